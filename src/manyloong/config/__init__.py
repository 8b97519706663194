"""Options from defaults, files, environment and command line, typed once."""
