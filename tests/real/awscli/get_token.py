"""get_token.py INSTANT ARGUMENT…  Runs the AWS CLI with the clock standing still at INSTANT (RFC
3339, UTC), so that a test can compare what it signs byte for byte."""

import sys

from freezegun import freeze_time

with freeze_time(sys.argv[1]):
    # Imported with the clock stopped already: no module keeps a reference to the real one.
    from awscli.clidriver import main

    sys.argv = ["aws", *sys.argv[2:]]
    sys.exit(main())
