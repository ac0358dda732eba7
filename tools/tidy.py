#!/usr/bin/env python3
"""The floors check: who may include whom, and what may not be said below floor 5.

Usage: tidy.py [ROOT]   (ROOT: the repository, by default the one this file lies in)

Below floor 5 nothing touches the world, so that the simulator can be the world. The linker proves a
part of it (`core` links only OpenSSL, fmt, Boost.JSON and ipsec-mb); this proves the rest, from the text.
Exit status 0 if all is well, 1 with one line per offence otherwise.
"""

import pathlib
import re
import sys

# The floors (ARCHITECTURE.md). A folder may include itself and the folders of lower floors.
FLOORS = {
    "base": 0,
    "rtp": 1, "rtcp": 1, "stun": 1, "sdp": 1,
    "transport": 2, "bwe": 2,
    "sfu": 3, "signaling": 3,
    "node": 4, "load": 4,
    "io": 5,
    "apps": 6,
}
# Siblings that may be included all the same: a vocabulary that two floors meet through.
VOCABULARIES = {
    "signaling": {"sfu/command.hpp", "sfu/event.hpp"},
    "sdp": {"rtp/codec.hpp"},
}
# Beside src/: on which floors they stand, that is, the highest floor they may include.
BESIDE = {"sim": 4, "fuzz": 5, "bench": 5}
# Bad networks are measured in the simulator.
USES = {"bench": "sim"}
# What the simulator takes from above its floor: the store and what drives it, on a disk of its own.
EXCEPTIONS = {"sim": {"io/store.hpp", "io/store_sqlite.hpp", "io/storage_batches.hpp"}}
WORLD = 5  # the lowest floor that may touch the world

# The only <…> headers with a folder or an .h that may be included below floor 5.
LIBRARIES = re.compile(r"^(openssl/|fmt/|boost/(json|describe)\b|intel-ipsec-mb\.h$)")
TEST_LIBRARIES = re.compile(r"^(gtest|gmock|benchmark|srtp2)/")
WORLDLY_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "semaphore",
    "latch", "barrier", "stop_token", "iostream", "fstream", "filesystem", "random", "ctime",
    "csignal", "locale", "syncstream",
}
WORLDLY_WORDS = [
    (r"\b(steady|system|high_resolution|file|utc|tai|gps)_clock\b", "reads a clock"),
    (r"(?<![\w.>])(std::|::)?(time|clock)\s*\(\s*(nullptr|NULL|0|&\w+)?\s*\)", "reads a clock"),
    (r"\b(gettimeofday|clock_gettime|timespec_get|localtime(_r)?|gmtime(_r)?)\s*\(", "reads a clock"),
    (r"\bstd::(jthread|thread|this_thread)\b", "uses threads"),
    (r"\bstd::\w*mutex\b|\bstd::(scoped_lock|lock_guard|unique_lock|condition_variable)\b", "uses a lock"),
    (r"\bstd::(memory_order\w*|atomic\w*)\b", "uses atomics"),
    (r"\bstd::(async|future|promise|packaged_task)\b", "runs something asynchronously"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])sleep\s*\(", "sleeps"),
    (r"\b(random_device|default_random_engine)\b|(?<![\w.>:])(std::)?s?rand\s*\(|\b[dlm]rand48\b",
     "has a source of randomness other than base/random.hpp"),
    (r"\bstd::(mt19937(_64)?|minstd_rand0?|ranlux\w+|knuth_b)\b",
     "has a source of randomness other than base/random.hpp"),
    (r"\b(secure_)?getenv\b|\bsetenv\b", "reads the environment"),
    (r"\bstd::(cin|cout|cerr|clog|[io]?fstream)\b|\b(fopen|popen|system)\s*\(", "does input or output"),
]
# A test may read golden files and may draw from a generator with a fixed seed.
TEST_HEADERS = {"fstream", "filesystem", "random"}
TEST_WORDS = re.compile(r"std::(i?fstream|mt19937(_64)?)")
# The one lock-free file; its test needs two threads.
THREAD_FILES = {"base/spsc_ring.hpp", "base/spsc_ring_test.cpp"}
# SQLite's files, in memory.
SQLITE_FILES = {"sim/disk.hpp", "sim/disk.cpp", "sim/disk_test.cpp"}
# What a test program gives OpenSSL in place of the machine's clock.
CLOCK_FILES = {"transport/test_clock.cpp"}
# The simulator as a program: it measures how fast it is, and writes files.
PROGRAM_FILES = {"sim/main.cpp"}
# The one file that knows SpiderMonkey, in which the simulator runs the web client's logic.
SCRIPT_FILES = {"sim/client_script.cpp"}
SCRIPT_HEADERS = re.compile(r"^(js/\w+|jsapi|jsfriendapi)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<delimiter>[^(\s]*)\(.*?\)(?P=delimiter)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def without_comments_and_strings(text):
    """The code alone, line numbers kept."""
    return NOT_CODE.sub(lambda match: "\n" * match.group().count("\n") or " ", text)


def check_includes(name, folder, text, worldly, is_test):
    """Offences (line, message) of the #include lines of one file."""
    floor = FLOORS.get(folder, BESIDE.get(folder))
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, header = match.group(1) == '"', match.group(2)
        target = header.split("/")[0]
        if quoted:
            if folder in BESIDE and ("/" not in header or target in (folder, USES.get(folder))):
                continue
            if target not in FLOORS:
                yield number, f'"{header}" is in no folder of src/; include paths start there'
            elif folder in BESIDE and FLOORS[target] > floor:
                if header in EXCEPTIONS.get(folder, ()):
                    continue
                yield number, f'{folder} may include floors 0–{floor}, "{header}" is on floor {FLOORS[target]}'
            elif folder in FLOORS and target != folder and FLOORS[target] >= floor:
                if header not in VOCABULARIES.get(folder, ()):
                    yield number, (f'{folder} (floor {floor}) may include lower floors only, '
                                   f'"{header}" is on floor {FLOORS[target]}')
        elif not worldly and name not in THREAD_FILES:
            if header in WORLDLY_HEADERS and not (is_test and header in TEST_HEADERS):
                yield number, f"<{header}> belongs to the world, which begins on floor {WORLD}"
            elif header == "sqlite3.h" and name in SQLITE_FILES:
                continue
            elif "/" in header or header.endswith(".h"):
                allowed = (LIBRARIES.match(header) or is_test and TEST_LIBRARIES.match(header)
                           or name in SCRIPT_FILES and SCRIPT_HEADERS.match(header))
                if not allowed:
                    yield number, f"<{header}> is not of OpenSSL, fmt or Boost.JSON, all that core may use"


def check_words(name, text, is_test):
    """Offences of the code of one file below floor 5."""
    if name in THREAD_FILES:
        return
    for number, line in enumerate(without_comments_and_strings(text).splitlines(), 1):
        for pattern, offence in WORLDLY_WORDS:
            match = re.search(pattern, line)
            if match and not (is_test and TEST_WORDS.fullmatch(match.group())):
                yield number, f"`{match.group().strip()}`: {offence}, below floor {WORLD}"


def check(root):
    """All offences under `root` as printable lines, and how many files were read."""
    offences, files = [], 0
    paths = [p for top in ["src", *BESIDE] for p in sorted((root / top).rglob("*"))
             if p.suffix in (".hpp", ".cpp")]
    for path in paths:
        files += 1
        inside_src = path.is_relative_to(root / "src")
        relative = path.relative_to(root / "src" if inside_src else root)
        name, folder = relative.as_posix(), relative.parts[0]
        shown = path.relative_to(root).as_posix()
        if inside_src and folder not in FLOORS:
            offences.append(f"{shown}:1: src/{folder} has no floor in tools/tidy.py")
            continue
        text = path.read_text(encoding="utf-8")
        is_test = path.stem.endswith("_test") or path.stem.startswith("test_")
        worldly = not inside_src and folder != "sim" or inside_src and FLOORS[folder] >= WORLD
        worldly = worldly or name in CLOCK_FILES | PROGRAM_FILES
        found = list(check_includes(name, folder, text, worldly, is_test))
        if not worldly:
            found += check_words(name, text, is_test)
        offences += [f"{shown}:{number}: {message}" for number, message in sorted(found)]
    return offences, files


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1]).resolve()
    offences, files = check(root)
    for line in offences:
        print(line)
    if not files:
        print(f"{root}: no sources found")
    print(f"floors: {files} files, {len(offences)} offences")
    return 1 if offences or not files else 0


if __name__ == "__main__":
    sys.exit(main())
