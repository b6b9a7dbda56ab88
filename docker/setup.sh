#!/bin/sh
# Makes what the compose file needs and no repository may hold: passwords, each once, and .env.
set -eu
umask 077
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$here/secrets"
# The folder is closed to others; the files in it are read by containers with users of their own.
chmod 0755 "$here/secrets"
for name in postgres minio loader reader metabase-database metabase-admin; do
    file=$here/secrets/$name-password
    if [ ! -s "$file" ]; then
        # Letters and digits only: the value goes through shells, SQL and JSON.
        head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c 32 > "$file"
        echo "made docker/secrets/$name-password"
    fi
    chmod 0444 "$file"
done
if [ ! -f "$here/.env" ]; then
    cp "$here/env.example" "$here/.env"
    echo "made docker/.env"
fi
echo "next: docker compose --file docker/compose.yml up --build --detach"
