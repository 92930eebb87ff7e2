"""What people ask for, one file for each job: the command line, notebooks and services call the same functions."""
