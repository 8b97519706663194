#!/bin/sh
# Which interpreters there are; all that can be are in the image, so there is nothing to download.
usage() {
  echo "usage: manylinux-interpreters list [--installed] [--format text|json] | ensure TAG... | ensure-all"
}
tags="@TAGS@"
case "$1" in
  list)
    shift
    format=text
    while [ $# -gt 0 ]; do
      case "$1" in
        --installed | -i) ;;
        --format | -f) shift; format=$1 ;;
        *) usage >&2; exit 2 ;;
      esac
      shift
    done
    case "$format" in
      text) printf '%s\n' $tags ;;
      json) printf '%s\n' $tags | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/' ;;
      *) usage >&2; exit 2 ;;
    esac
    ;;
  ensure)
    shift
    for tag in "$@"; do
      if [ ! -x "/opt/python/$tag/bin/python" ]; then
        echo "manylinux-interpreters: there is no $tag; there are: $tags" >&2
        exit 1
      fi
    done
    ;;
  ensure-all) ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
