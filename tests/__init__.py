"""The tests; a package, so that no installed one of that name stands before it."""
