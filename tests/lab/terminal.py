"""A terminal to look at full-screen programs with: what a vt100 of some size would show of the bytes that came."""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z@])|\x1b([()][A-Z0-9]|[=>78DMEHc])")


class Terminal:
    """`slave` is the program's standard input and output; feed() takes in what it has written."""

    def __init__(self, columns, lines):
        self.master, self.slave = pty.openpty()
        self.received = 0  # bytes so far
        self.clears = 0  # how often the whole screen was blanked
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self.resize(columns, lines)

    def resize(self, columns, lines):
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._cells = [[" "] * columns for _ in range(lines)]
        self._row = self._column = 0
        self._top, self._bottom = 0, lines - 1

    def press(self, keys):
        os.write(self.master, keys.encode())

    def feed(self, seconds):
        """Everything that comes within this time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                part = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                return
            self.received += len(part)
            self._take(self._decoder.decode(part))

    def text(self):
        return ["".join(row).rstrip() for row in self._cells]

    def close(self):
        os.close(self.master)
        os.close(self.slave)

    def _take(self, text):
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            letter = text[at]
            if letter == "\x1b":
                found = _SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at > 30:  # no sequence is so long: one that is not known
                        at += 1
                        continue
                    self._rest = text[at:]
                    return
                if found.group(2):
                    self._control(found.group(2), found.group(1))
                elif found.group(3) in ("D", "M"):
                    self._scroll(found.group(3))
                at = found.end()
                continue
            self._put(letter)
            at += 1

    def _put(self, letter):
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._scroll("D")
        elif letter == "\b":
            self._column = max(0, self._column - 1)
        elif letter >= " ":
            if self._column >= self.columns:
                self._column = 0
                self._scroll("D")
            self._cells[self._row][self._column] = letter
            self._column += 1

    def _scroll(self, way):
        if way == "D" and self._row == self._bottom:
            self._cells.insert(self._bottom + 1, [" "] * self.columns)
            del self._cells[self._top]
        elif way == "M" and self._row == self._top:
            self._cells.insert(self._top, [" "] * self.columns)
            del self._cells[self._bottom + 1]
        else:
            self._row = min(self.lines - 1, max(0, self._row + (1 if way == "D" else -1)))

    def _control(self, letter, words):
        numbers = [int(word) if word.isdigit() else 0 for word in words.split(";")]
        count = max(1, numbers[0])
        if letter in "Hf":
            self._row = min(self.lines, max(1, numbers[0])) - 1
            self._column = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif letter == "A":
            self._row = max(0, self._row - count)
        elif letter == "B":
            self._row = min(self.lines - 1, self._row + count)
        elif letter == "C":
            self._column = min(self.columns - 1, self._column + count)
        elif letter == "D":
            self._column = max(0, self._column - count)
        elif letter == "r":
            self._top = max(1, numbers[0]) - 1
            self._bottom = (numbers[1] if len(numbers) > 1 and numbers[1] else self.lines) - 1
            self._row = self._column = 0
        elif letter == "K":
            self._blank_line(numbers[0])
        elif letter == "J":
            self._blank_screen(numbers[0])

    def _blank_line(self, how):
        row = self._cells[self._row]
        begin, end = {0: (self._column, self.columns), 1: (0, self._column + 1)}.get(how, (0, self.columns))
        row[begin:end] = [" "] * (min(end, self.columns) - begin)

    def _blank_screen(self, how):
        if how == 2 or (how == 0 and self._row == self._column == 0):
            self.clears += 1
            self._cells = [[" "] * self.columns for _ in range(self.lines)]
            return
        if how == 0:
            self._blank_line(0)
            for row in range(self._row + 1, self.lines):
                self._cells[row] = [" "] * self.columns
