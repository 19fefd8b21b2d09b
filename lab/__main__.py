import os
import sys

# Python looks in the current folder first, and may have taken a folder `lab` there for this package.
sys.modules["lab"].__path__ = [os.path.dirname(os.path.abspath(__file__))]

from lab.cli.import_path import protect  # noqa: E402

protect()  # before the first import that a module in the current folder could hide

from lab.cli.main import main  # noqa: E402

main()
