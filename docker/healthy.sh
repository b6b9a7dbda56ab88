#!/bin/bash
# healthy.sh PORT PATH: succeeds when http://127.0.0.1:PORT/PATH answers 200. Needs no other program.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
read -r -t 4 answer <&3
case $answer in
    *" 200 "*) exit 0 ;;
    *) echo "$answer" >&2; exit 1 ;;
esac
