#!/usr/bin/env python3
"""Plants offences in a temporary tree and sees tidy.py refuse each of them, and nothing else."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy  # noqa: E402


class Floors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write("src/base/bytes.hpp", "#pragma once\n#include <cstdint>\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def offences(self):
        return tidy.check(self.root)[0]

    def refused(self, name, text, word):
        self.write(name, text)
        found = self.offences()
        self.assertEqual(len(found), 1, f"{name}: {text!r} gave {found}")
        self.assertIn(word, found[0])
        self.assertTrue(found[0].startswith(f"{name}:"), found[0])
        (self.root / name).unlink()

    def accepted(self, name, text):
        self.write(name, text)
        self.assertEqual(self.offences(), [])

    def test_a_clean_tree(self):
        self.assertEqual(tidy.check(self.root), ([], 1))

    def test_an_include_from_a_higher_floor(self):
        self.refused("src/rtp/a.cpp", '#include "sfu/sfu.hpp"\n', "floor 3")
        self.refused("src/node/a.cpp", '#include "io/worker.hpp"\n', "floor 5")
        self.refused("sim/a.cpp", '#include "io/worker.hpp"\n', "floor 5")
        self.accepted("src/io/a.cpp", '#include "node/node.hpp"\n')

    def test_a_folder_beside_src_sees_itself_alone(self):
        self.accepted("sim/a.cpp", '#include "sim/random.hpp"\n#include "sfu/sfu.hpp"\n')
        self.refused("src/sfu/a.cpp", '#include "sim/random.hpp"\n', "no folder of src")
        self.refused("fuzz/a.cpp", '#include "sim/random.hpp"\n', "no folder of src")

    def test_the_simulator_has_the_store_on_a_disk_of_its_own(self):
        self.accepted("sim/a.cpp", '#include "io/store.hpp"\n#include "io/store_sqlite.hpp"\n'
                                   '#include "io/storage_batches.hpp"\n')
        self.refused("sim/a.cpp", '#include "io/storage.hpp"\n', "floor 5")
        self.refused("src/node/a.cpp", '#include "io/store.hpp"\n', "floor 5")
        self.accepted("sim/a.cpp", "int a;\n")
        self.accepted("sim/disk.hpp", "#include <sqlite3.h>\n")
        self.refused("sim/link.cpp", "#include <sqlite3.h>\n", "<sqlite3.h>")

    def test_siblings_meet_only_through_their_vocabulary(self):
        self.refused("src/signaling/a.cpp", '#include "sfu/router.hpp"\n', "sfu/router.hpp")
        self.refused("src/sfu/a.cpp", '#include "signaling/room.hpp"\n', "signaling/room.hpp")
        self.accepted("src/signaling/a.cpp", '#include "sfu/command.hpp"\n#include "sfu/event.hpp"\n')

    def test_an_include_that_does_not_start_at_src(self):
        self.refused("src/rtp/a.cpp", '#include "packet.hpp"\n', "packet.hpp")

    def test_a_folder_without_a_floor(self):
        self.refused("src/utils/a.cpp", "int a;\n", "no floor")

    def test_headers_of_the_world(self):
        for header in ["thread", "mutex", "atomic", "fstream", "iostream", "random", "sys/socket.h",
                       "netinet/in.h", "unistd.h", "boost/asio.hpp", "spdlog/spdlog.h"]:
            self.refused("src/sfu/a.hpp", f"#include <{header}>\n", f"<{header}>")
        self.accepted("src/sfu/a.hpp", "#include <openssl/evp.h>\n#include <fmt/format.h>\n"
                                       "#include <boost/json/value.hpp>\n#include <vector>\n")
        self.accepted("src/io/a.hpp", "#include <thread>\n#include <sys/socket.h>\n")

    def test_words_of_the_world(self):
        for code in ["auto t = std::chrono::steady_clock::now();", "auto t = time(nullptr);",
                     "auto t = ::time(&x);", "gettimeofday(&t, nullptr);", "std::jthread t;",
                     "std::mutex m;", "std::atomic<int> a;", "std::async(f);", "usleep(1);",
                     "std::random_device d;", "int r = rand();", "std::mt19937 g;",
                     'auto h = std::getenv("HOME");', "std::cout << 1;"]:
            self.refused("src/base/a.cpp", code + "\n", "below floor 5")

    def test_comments_strings_and_members_are_not_words(self):
        self.accepted("src/base/a.cpp",
                      "// time(nullptr), std::mutex\n/* steady_clock\n rand() */\n"
                      'auto s = "getenv";\nauto t = packet.time();\nauto u = packet->time();\n'
                      "int operand(int);\nauto n = 1'000'000;\n"
                      'auto r = R"x(std::thread)x";\n')

    def test_a_string_does_not_hide_what_follows(self):
        self.refused("src/base/a.cpp", 'auto s = "//"; auto t = time(nullptr);\n', "clock")

    def test_tests_may_read_golden_files_and_use_a_seeded_generator(self):
        self.accepted("src/rtp/a_test.cpp", "#include <gtest/gtest.h>\n#include <fstream>\n"
                                            "#include <random>\nstd::ifstream f;\nstd::mt19937 g(1);\n")
        self.refused("src/rtp/a_test.cpp", "std::random_device d;\n", "randomness")
        self.refused("src/rtp/a_test.cpp", "#include <thread>\n", "<thread>")

    def test_the_ring_is_the_one_file_with_atomics(self):
        self.accepted("src/base/spsc_ring.hpp", "#include <atomic>\nstd::atomic<int> a;\n")
        self.accepted("src/base/spsc_ring_test.cpp", "#include <thread>\nstd::thread t;\n")

    def test_one_file_of_the_simulator_knows_spidermonkey(self):
        self.accepted("sim/client_script.cpp", "#include <js/Promise.h>\n#include <jsapi.h>\n")
        self.refused("sim/client_script.hpp", "#include <jsapi.h>\n", "<jsapi.h>")
        self.refused("sim/client_script.cpp", "#include <sys/socket.h>\n", "<sys/socket.h>")


if __name__ == "__main__":
    unittest.main()
