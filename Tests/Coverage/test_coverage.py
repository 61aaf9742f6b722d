"""The verdict of `coverage`, on a source of a few lines. `make coverage` runs this first."""

import importlib.util
import unittest
from importlib.machinery import SourceFileLoader
from pathlib import Path

loader = SourceFileLoader("coverage", str(Path(__file__).with_name("coverage")))
coverage = importlib.util.module_from_spec(importlib.util.spec_from_loader("coverage", loader))
loader.exec_module(coverage)

PATH = "Sources/M/File.swift"
SOURCE = """\
struct File {
  var size: Int { handle ?? 0 }

  @inline(never)
  static func read(_ count: Int) throws -> Int {
    let done = count > 1 ? 7 : 8
    if done == 7 {
      while isBusy { wait() }
      throw Failure()
    }
    precondition(done == 8, "it was read")
    return done
  }

  init(_ size: Int) {
    guard size > 0 else { preconditionFailure("no size") }
  }

  func write(
    _ bytes: Int, then done: () -> Void = {}
  ) throws -> Int {
    while true { try step() }
  }
}
""".splitlines()
BODY = (7, 18, 10, 6)
LOOP = (8, 20, 8, 30)
EIGHT = (6, 32, 6, 33)
SIZE = (2, 29, 2, 30)
MESSAGE = (11, 29, 11, 42)
FATAL = (16, 25, 16, 59)
EMPTY = (20, 43, 20, 45)
WRITE = (21, 19, 23, 4)
NEVER = (22, 30, 23, 4)


def verdict(counts, listed=""):
    regions = [coverage.Region(place, count) for place, count in sorted(counts.items())]
    return coverage.judge({PATH: (SOURCE, regions)}, coverage.read_expected(listed), ["Sources/M"])


class CoverageTests(unittest.TestCase):
    def test_what_was_not_entered_is_named(self):
        found = verdict({BODY: 0, EIGHT: 3, SIZE: 0})
        self.assertFalse(found.is_good)
        self.assertEqual(found.totals["Sources/M"], [1, 2, 0, 0])
        self.assertEqual(
            found.gaps,
            [
                {"file": PATH, "line": 2, "function": "size", "source": "0"},
                {"file": PATH, "line": 7, "function": "read", "source": "while isBusy { wait() }"},
            ])

    def test_an_entry_holds_for_what_is_inside(self):
        listed = f"# why not\n\n{PATH}\n  read: while isBusy {{ wait() }}\n    The kernel never says so.\n"
        found = verdict({BODY: 0, LOOP: 0, EIGHT: 1}, listed)
        self.assertTrue(found.is_good)
        self.assertEqual(found.totals["Sources/M"], [1, 0, 2, 0])

    def test_an_entry_that_is_entered_or_nowhere_is_an_error(self):
        for listed in ("  read: while isBusy { wait() }", "  read: gone", "  other: while isBusy { wait() }"):
            found = verdict({BODY: 1, LOOP: 1}, f"{PATH}\n{listed}\n    Why.\n")
            self.assertFalse(found.is_good)
            self.assertEqual([entry.line for entry in found.stale], [2])

    def test_several_lists_are_one_and_an_entry_knows_its_own(self):
        names = ("one", "other")
        entries = [entry for name in names for entry in coverage.read_expected(f"{PATH}\n  read: gone\n    Why.\n", name)]
        found = coverage.judge({PATH: (SOURCE, [])}, entries, ["Sources/M"])
        self.assertEqual([entry.listed_in for entry in found.stale], ["one", "other"])

    def test_what_ends_the_process_counts_apart(self):
        found = verdict({MESSAGE: 0, FATAL: 0, EIGHT: 1})
        self.assertTrue(found.is_good)
        self.assertEqual(found.totals["Sources/M"], [1, 0, 0, 2])

    def test_a_region_without_code_is_none(self):
        self.assertEqual(verdict({EMPTY: 0, NEVER: 0, EIGHT: 1}).totals["Sources/M"], [1, 0, 0, 0])

    def test_parameters_over_lines_belong_to_their_function(self):
        self.assertEqual([gap["function"] for gap in verdict({WRITE: 0}).gaps], ["write"])

    def test_a_list_that_is_none(self):
        for listed in ("  read: x\n    Why.", f"{PATH}\n  read: x\n", f"{PATH}\n  read\n    Why.", f"{PATH}\n    Why."):
            with self.assertRaises(ValueError):
                coverage.read_expected(listed)


if __name__ == "__main__":
    unittest.main()
