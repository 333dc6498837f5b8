"""Usage: get_token.py INSTANT ARGUMENT…

Runs the AWS CLI with the clock stopped at INSTANT (RFC 3339, UTC). A test can then compare the signed
token byte by byte.
"""

import sys

from freezegun import freeze_time

with freeze_time(sys.argv[1]):
    # Import only after the clock has stopped. Otherwise a module could keep a reference to the real clock.
    from awscli.clidriver import main

    sys.argv = ["aws", *sys.argv[2:]]
    sys.exit(main())
