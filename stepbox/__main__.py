"""Run the command line: ``python -m stepbox``."""

from stepbox.cli.main import main

if __name__ == "__main__":
    main()
