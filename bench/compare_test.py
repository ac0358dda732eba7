#!/usr/bin/env python3
"""Tests of what bench/compare makes of the times it reads."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
PATH = pathlib.Path(__file__).with_name("compare")
LOADER = importlib.machinery.SourceFileLoader("compare", str(PATH))
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", LOADER))
LOADER.exec_module(compare)


class Summary(unittest.TestCase):
    def test_takes_the_median_of_ratios_not_the_ratio_of_medians(self):
        # In each turn B takes half the time of A, however busy the machine was.
        rounds = [({"x": time}, {"x": time / 2}) for time in (10.0, 1000.0, 30.0)]
        self.assertEqual(compare.summary(rounds), [("x", 30.0, 0.5, 0.5, 0.5)])

    def test_one_disturbed_turn_does_not_count(self):
        rounds = [({"x": 10.0}, {"x": 9.0})] * 4 + [({"x": 10.0}, {"x": 900.0})]
        name, _, ratio, low, high = compare.summary(rounds)[0]
        self.assertEqual((name, ratio, low, high), ("x", 0.9, 0.9, 0.9))

    def test_one_turn_is_enough(self):
        self.assertEqual(compare.summary([({"x": 4.0}, {"x": 5.0})]), [("x", 4.0, 1.25, 1.25, 1.25)])

    def test_only_what_both_have(self):
        self.assertEqual(compare.summary([({"x": 1.0, "y": 1.0}, {"z": 1.0})]), [])


class Run(unittest.TestCase):
    def program(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def test_reads_times_in_nanoseconds(self):
        program = self.program(
            """cat <<'END'
{"benchmarks": [
  {"name": "a", "run_type": "iteration", "cpu_time": 2.5, "time_unit": "us"},
  {"name": "b", "run_type": "iteration", "error_occurred": true, "cpu_time": 0, "time_unit": "ns"},
  {"name": "a_mean", "run_type": "aggregate", "cpu_time": 2.5, "time_unit": "us"}]}
END"""
        )
        self.assertEqual(compare.run(program, None, 0.1), {"a": 2500.0})

    def test_nothing_matches(self):
        self.assertEqual(compare.run(self.program("exit 0"), "x", 0.1), {})

    def test_a_failing_program_ends_the_comparison(self):
        with self.assertRaises(SystemExit) as raised:
            compare.run(self.program("echo broken >&2; exit 3"), None, 0.1)
        self.assertIn("broken", str(raised.exception))


class Source(unittest.TestCase):
    def test_an_unknown_revision_is_named(self):
        with self.assertRaises(SystemExit) as raised:
            compare.source_of("no-such-revision")
        self.assertIn("no-such-revision", str(raised.exception))

    def test_without_a_revision_it_is_the_working_tree(self):
        self.assertEqual(compare.source_of(None)[0], compare.ROOT)


if __name__ == "__main__":
    unittest.main()
