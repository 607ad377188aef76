"""The estimators' inner works: parameters, fitting, files and the notebook's view."""
