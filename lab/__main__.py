from lab.cli.import_path import protect

protect()  # before the first import that a module in the current folder could hide

from lab.cli.main import main  # noqa: E402

main()
