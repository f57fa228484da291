"""Runs a program on a terminal of its own: terminal.py ANSWERS PROGRAM ARGS...

ANSWERS is JSON, a list of [prompt, keys]: the keys are typed when the prompt has appeared. Prints what appeared on the
terminal; exits as the program did.
"""
import json
import os
import pty
import sys

answers = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

shown, seen = b"", 0
while True:
    if answers and answers[0][0].encode() in shown[seen:]:
        prompt, keys = answers.pop(0)
        seen = shown.index(prompt.encode(), seen) + len(prompt.encode())
        os.write(terminal, keys.encode())
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk

sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
