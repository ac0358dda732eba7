#!/bin/sh
# Runs $PROGRAM in the network namespace $SITE; puppeteer starts browsers through it.
exec ip netns exec "$SITE" "$PROGRAM" "$@"
