#!/bin/sh
# A driver written from drivers/scanners/README.md alone: a reader of zones, with what every system's shell has.
say() { printf '%s\n' "$1"; }
id_of() { printf '%s' "$1" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p'; }
while IFS= read -r line; do
  case $line in
    *'"type":"hello"'*)
      say '{"type":"ready","protocol":1,"name":"shell","version":"1"}'
      say '{"type":"scanners","scanners":[{"id":"sh","model":"Shell Reader","status":"ready","abilities":{"mrz":true,"lights":[],"chip":false,"takesImages":false,"verdicts":false}}]}'
      ;;
    *'"type":"health"'*) say "{\"type\":\"health\",\"id\":$(id_of "$line"),\"isWorking\":true}" ;;
    *'"type":"scan"'*)
      id=$(id_of "$line")
      case $line in
        *'"scanner":"sh"'*)
          say "{\"type\":\"progress\",\"id\":$id,\"stage\":\"waiting\"}"
          say "{\"type\":\"result\",\"id\":$id,\"report\":{\"outcome\":\"complete\",\"mrz\":{\"lines\":[\"I<UTOT123456787<<<<<<<<<<<<<<<\",\"8002147F3001019UTO<<<<<<<<<<<2\",\"TESTSSON<<EVA<LINNEA<<<<<<<<<<\"]}}}"
          ;;
        *) say "{\"type\":\"error\",\"id\":$id,\"code\":\"gone\",\"message\":\"no such scanner\"}" ;;
      esac
      ;;
    *'"type":"bye"'*) exit 0 ;;
  esac
done
