# Shorthand for the scripts; `just` lists them.

_list:
    @just --list --unsorted

# Every check, as CI runs them; `just check rust pages` runs only those parts.
check *parts:
    scripts/test {{parts}}

# The demo store and the gateway before it.
demo *args:
    scripts/demo {{args}}
