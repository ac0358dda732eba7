#!/usr/bin/env python3
"""Runs clang-tidy over the sources of src/ and sim/, two or more at a time, and only over what changed.

Usage: clang_tidy.py BUILD [JOBS]   (BUILD: a build folder with compile_commands.json, made for clang)

What was found clean is remembered in ~/.cache/liaison: a file is looked at again when it, a header of ours
that it includes, its compiler command, .clang-tidy or clang-tidy itself changed. Prints one line per
file and what was found; exit status 1 if anything was. Tests are left out: their macros cost minutes
and their code is seen by two compilers with all warnings.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

CLANG_TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.M)
# The analyser's work per function: by default it is eleven times this, and takes three times as long.
ANALYZER = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000")]
DAYS_KEPT = 30
ROOT = pathlib.Path(__file__).resolve().parents[1]


@functools.cache
def content(path):
    return path.read_bytes()


def closure(path):
    """`path` and every header of ours that it reaches."""
    seen, queue = {path}, [path]
    while queue:
        here = queue.pop()
        for name in INCLUDE.findall(content(here)):
            for candidate in (ROOT / "src" / name.decode(), ROOT / name.decode(), here.parent / name.decode()):
                if candidate.exists() and candidate not in seen:
                    seen.add(candidate)
                    queue.append(candidate)
                    break
    return sorted(seen)


def digest(path, command, common):
    state = hashlib.sha256(common)
    state.update(command.replace(str(ROOT), "").encode())
    for part in closure(path):
        state.update(part.relative_to(ROOT).as_posix().encode() + b"\0" + content(part))
    return state.hexdigest()


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if any(path.is_relative_to(ROOT / top) for top in ("src", "sim")) and not path.stem.endswith("_test"):
            entries[path] = entry["command"]
    if not entries:
        print("no sources found")
        return 1
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + repr(ANALYZER).encode() + (ROOT / ".clang-tidy").read_bytes()
    clean = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "liaison/clang-tidy"
    clean.mkdir(parents=True, exist_ok=True)

    stamps = {path: clean / digest(path, command, common) for path, command in entries.items()}
    todo = [path for path in sorted(entries) if not stamps[path].exists()]
    # The longest first, so that none of them is left for the end.
    todo.sort(key=lambda path: -sum(len(content(part)) for part in closure(path)))
    print(f"{len(entries)} sources, {len(entries) - len(todo)} unchanged since they were found clean")

    def look(path):
        run = subprocess.run([CLANG_TIDY, "--quiet", "-p", str(build), *ANALYZER, str(path)],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return path, run

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for number, (path, run) in enumerate(pool.map(look, todo), 1):
            shown = path.relative_to(ROOT).as_posix()
            if run.returncode == 0 and "warning:" not in run.stdout:
                stamps[path].touch()
                print(f"[{number}/{len(todo)}] {shown}", flush=True)
            else:
                failed += 1
                print(f"[{number}/{len(todo)}] {shown} FAILED", flush=True)
                print(run.stdout, flush=True)
                if run.returncode not in (0, 1):
                    print(run.stderr, flush=True)
    for stamp in set(stamps.values()):
        if stamp.exists():
            stamp.touch()
    for stamp in clean.iterdir():
        if time.time() - stamp.stat().st_mtime > DAYS_KEPT * 86400:
            stamp.unlink(missing_ok=True)
    print(f"clang-tidy: {len(entries) - failed} clean, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
