#!/bin/sh
test $((1 + 1)) -eq 2
