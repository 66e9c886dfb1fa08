"""What the subcommands with several actions are made of: each module adds some actions to a parser and carries them out."""
