"""What there is about a household: taken along in its export, and erased with it.

The apps above this one say what they hold, each in its module `personal`, in the words of `holdings`. So a new table is
exported and erased by a line in its own app; a test fails for one that says nothing.
"""
