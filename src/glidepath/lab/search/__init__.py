"""The questions that trainings answer: comparisons, searches, branches, snapshot ensembles, range tests."""
