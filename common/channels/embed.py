"""Makes a C table of the channel files: embed.py OUTPUT FILE.yaml..."""
import pathlib
import sys


def literal(line):
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main(output, *inputs):
    rows = []
    for path in sorted(pathlib.Path(name) for name in inputs):
        lines = path.read_text(encoding="utf-8").splitlines()
        rows.append('        {"%s",\n%s},\n' % (path.stem, "\n".join("         " + literal(line) for line in lines)))
    table = "const struct channel_source channel_sources[] = {\n" + "".join(rows) + "        {0},\n};\n"
    pathlib.Path(output).write_text('#include "common/channel_file.h"\n\n' + table, encoding="utf-8")


main(*sys.argv[1:])
