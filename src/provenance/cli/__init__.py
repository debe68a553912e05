"""The command: one module a verb under `commands/`; they parse options, call the SDK and print."""
