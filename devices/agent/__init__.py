"""The measuring agent: standard-library Python 3.6, joined to one file for a board; see README.md."""
