# Functions for the commands of the cases. Each path is relative to the root of the node.

# Replaces a directory with a file system that has these mount options and the same files.
small() {
    path=$ROOT/$1
    mkdir -p "$path" "$HOME_DIR/copy"
    cp -a "$path/." "$HOME_DIR/copy/"
    mount -t tmpfs -o "$2" tmpfs "$path"
    cp -a "$HOME_DIR/copy/." "$path/"
    rm -rf "$HOME_DIR/copy"
}

# Leaves no free space in a directory.
full() {
    small "$1" size=64k
    cat /dev/zero 2>/dev/null >"$ROOT/$1/.filler" || true
}

# Leaves no free inodes in a directory.
no_inodes() {
    small "$1" nr_inodes=40
    number=0
    while touch "$ROOT/$1/.filler-$number" 2>/dev/null; do number=$((number + 1)); done
}

# Removes the file system of `full` or `no_inodes`, and keeps its other files.
unmount() {
    path=$ROOT/$1
    rm -f "$path"/.filler*
    mkdir -p "$HOME_DIR/copy"
    cp -a "$path/." "$HOME_DIR/copy/"
    umount "$path"
    cp -a "$HOME_DIR/copy/." "$path/"
    rm -rf "$HOME_DIR/copy"
}

# Makes a directory or a file read-only.
read_only() {
    [ -e "$ROOT/$1" ] || mkdir -p "$ROOT/$1"
    mount --bind "$ROOT/$1" "$ROOT/$1"
    mount -o remount,bind,ro "$ROOT/$1"
}

# Ends `read_only`.
writable() { umount "$ROOT/$1"; }

# Writes a file with the text of standard input.
put() {
    mkdir -p "$(dirname "$ROOT/$1")"
    cat >"$ROOT/$1"
}

# Replaces a command of the host with a script.
stand_in() {
    if [ -e "$ROOT/stand-ins/$1" ]; then mv "$ROOT/stand-ins/$1" "$ROOT/stand-ins/$1.normal"; fi
    { echo '#!/bin/sh'; cat; } >"$ROOT/stand-ins/$1"
    chmod +x "$ROOT/stand-ins/$1"
}

# Restores a command of the host.
restore() {
    rm -f "$ROOT/stand-ins/$1"
    if [ -e "$ROOT/stand-ins/$1.normal" ]; then mv "$ROOT/stand-ins/$1.normal" "$ROOT/stand-ins/$1"; fi
}
