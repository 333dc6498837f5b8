#!/usr/bin/env python3
"""Records a command as an asciicast (https://docs.asciinema.org/manual/asciicast/v2/), and draws it as an SVG.

Usage: record.py record CAST LINE COMMAND...   runs COMMAND in a terminal, and writes its output and times to CAST,
                                               until the first line that is equal to LINE
       record.py draw CAST SVG                 draws CAST

`make recording` runs both. The same CAST always gives the same SVG. In the SVG, each line appears after the time
that it took in the recording, but no pause is longer than LONGEST_PAUSE. A viewer without animations, or that
prefers reduced motion, shows all lines at once.
"""

import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
import time
from html import escape

WIDTH, HEIGHT = 124, 40
LONGEST_PAUSE = 3.0
# Sizes in pixels. A character of 12 px in a monospaced font is 7.2 px wide; textLength sets this width.
FONT, COLUMN, ROW, MARGIN = 12, 7.2, 17, 18
STYLE = """\
text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3; white-space: pre }
.b { font-weight: 700; fill: #7ee787 }
.line { animation: appear var(--t) steps(1) both }
@keyframes appear { from { opacity: 0 } }
@media (prefers-reduced-motion: reduce) { .line { animation: none } }
""" % FONT


def record(cast, last, command):
    """Runs the command in a pseudoterminal. Returns its exit status."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    start = time.monotonic()
    header = {"version": 2, "width": WIDTH, "height": HEIGHT, "command": " ".join(command)}
    with open(cast, "w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        rest, output, is_recording = b"", "", True
        while True:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the command has ended
                break
            if not chunk:
                break
            data = rest + chunk
            text = data.decode("utf-8", "ignore")  # the end can be a part of a character
            rest = data[len(text.encode()):]
            if is_recording:
                before, output = len(output), output + text
                end = output.find(f"\n{last}\r\n")
                if end >= 0:
                    output, is_recording = output[:end + len(last) + 3], False
                event = [round(time.monotonic() - start, 3), "o", output[before:]]
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
    assert not is_recording, f"the output has no line {last!r}"
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def lines(events):
    """Returns the time, the text and whether it is bold, for each complete line."""
    text = ""
    for at, kind, data in events:
        text += data if kind == "o" else ""
        *complete, text = text.split("\n")
        for line in complete:
            line = line.rstrip("\r")
            yield at, re.sub(r"\x1b\[[0-9;]*m", "", line), line.startswith("\x1b[1m")


def draw(cast, svg):
    """Draws the complete lines of a cast."""
    header, *events = [json.loads(line) for line in open(cast, encoding="utf-8")]
    rows = [(0.0, "$ " + header["command"], True)]
    before = now = 0.0
    for at, line, bold in lines(events):
        now += min(at - before, LONGEST_PAUSE)
        before = at
        pieces = [line[i:i + WIDTH] for i in range(0, len(line), WIDTH)] or [""]
        rows += [(now, piece, bold) for piece in pieces]
    width, height = WIDTH * COLUMN + 2 * MARGIN, len(rows) * ROW + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" aria-labelledby="title">',
           f'<title id="title">Terminal recording of {escape(header["command"])}</title>',
           f"<style>\n{STYLE}</style>", f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#0d1117" stroke="#30363d"/>']
    for number, (at, text, bold) in enumerate(rows):
        if text:
            y = MARGIN + number * ROW + FONT
            out.append(f'<text class="line{" b" if bold else ""}" style="--t:{at:.2f}s" x="{MARGIN}" y="{y}" xml:space="preserve" '
                       f'textLength="{len(text) * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text, False)}</text>')
    with open(svg, "w", encoding="utf-8") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 4 and sys.argv[1] == "record":
        sys.exit(record(*sys.argv[2:4], sys.argv[4:]))
    if len(sys.argv) == 4 and sys.argv[1] == "draw":
        sys.exit(draw(*sys.argv[2:]))
    sys.exit(__doc__)
