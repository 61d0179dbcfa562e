"""The gate's own arithmetic."""

import unittest

import instructions

ANNOTATED = """
--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
3,000,000 (100.0%)  PROGRAM TOTALS
2,000,000 (66.67%)  ???:engine_scale::timed::add [/x/engine_scale]
1,000,000 (33.33%)  ???:engine_scale::timed::add_more [/x/engine_scale]
  500,000 (16.67%)  ???:engine_scale::timed::add'2 [/x/engine_scale]
"""


class Instructions(unittest.TestCase):
    def test_a_function_is_found_by_its_whole_name(self):
        self.assertEqual(instructions.inclusive(ANNOTATED, "timed::add"), 2_000_000)
        self.assertEqual(instructions.inclusive(ANNOTATED, "timed::cross"), 0)

    def test_operations_are_a_number_or_read_from_the_output(self):
        self.assertEqual(instructions.operations(7, ""), 7)
        self.assertEqual(instructions.operations(r"of (\d+) passed", "3 of 40 passed"), 40)
        with self.assertRaises(SystemExit):
            instructions.operations(r"of (\d+) passed", "nothing")

    def test_a_path_is_held_to_its_baseline(self):
        known = {"same": 100.0, "dearer": 100.0, "cheaper": 100.0, "gone": 1.0}
        counted = {"same": 102.9, "dearer": 103.1, "cheaper": 90.0, "new": 5.0}
        lines, dearer = instructions.judge(counted, known)
        self.assertEqual(dearer, ["dearer", "new", "gone"])
        self.assertEqual(len(lines), 5)
        self.assertIn("cheaper: write", lines[2])


if __name__ == "__main__":
    unittest.main()
