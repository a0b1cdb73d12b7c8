#!/bin/sh
# From the raw file to the README's table of ranking figures on MovieLens 1M.
#
#   sh runs/ml1m.sh PATH/ml-1m.txt [STEP ...]     steps: strict fast full masked table (default: all, so)
#
# ml-1m.txt is the file of the SASRec and BERT4Rec repositories (docs/evaluation.md). Models go to MARQUEE_HOME; each
# version's name is kept in runs/out, so what is there is not trained again, and an interrupted training goes on. On
# one core: strict 55 minutes, fast 10, full 16, table 2. `marquee` must be on the PATH.
set -eu
data=${1:?usage: sh runs/ml1m.sh PATH/ml-1m.txt [STEP ...]}
shift
steps=${*:-strict fast full masked table}
out=$(dirname "$0")/out
mkdir -p "$out"

# What all the sequence models share; what each choice is worth: docs/decisions/052-the-recipe-for-ranking.md
shape="--max-length 200 --windows one --heads 1 --positions none --attention-bias relative --convolution 3
    --start-from-counts false --batch-size 16"
causal="$shape --objective causal --learning-rate 3e-3 --warmup-steps 200 --validate-every 5"
big="--hidden-size 128 --layers 4"
small="--hidden-size 64 --layers 4"
more="--learning-rate 1e-3 --warmup-steps 100 --epochs 6 --validate-every 1 --random-window 0"  # with stored weights

# train NAME MODEL OPTION ...: the trained version's name and figures in $out/NAME.json, once
train() {
    name=$1 model=$2
    shift 2
    [ -s "$out/$name.json" ] && return
    echo "== $name" >&2
    if ! { [ -e "$out/$name.begun" ] && marquee train "$model" --data "$data" --resume "$@" --json > "$out/$name.tmp"; }
    then
        : > "$out/$name.begun"
        marquee train "$model" --data "$data" "$@" --json > "$out/$name.tmp"
    fi
    mv "$out/$name.tmp" "$out/$name.json"
    rm "$out/$name.begun"
}

version() { sed -n 's/.*"version": "\([^"]*\)".*/\1/p' "$out/$1.json"; }

# BERT4Rec proper: masks instead of the next film, sight both ways, from the weights of a causal model
masked="$shape --objective masked --mask-probability 0.3 --last-item-share 0.4 --dropout 0.2"

for step in $steps; do
    case $step in
    strict) # nobody's second-last film is trained on
        train strict-big bert4rec --protocol strict $causal $big --dropout 0.25 --epochs 50 --seed 1
        train strict-small bert4rec --protocol strict $causal $small --dropout 0.2 --epochs 40 --seed 2
        train strict-blend blend --protocol strict --members "bert4rec@$(version strict-big) \
            bert4rec@$(version strict-small) transitions ease"
        ;;
    fast) # RecTools' split, ten minutes of one core
        train fast bert4rec $causal --hidden-size 128 --layers 2 --dropout 0.15 --epochs 24 --validate-every 6
        train fast-blend blend --members "bert4rec@$(version fast) transitions ease"
        ;;
    full) # RecTools' split: the strict models go on with the latest films of everybody
        train full-big bert4rec $causal $big --dropout 0.25 --seed 1 $more --start-from "$(version strict-big)"
        train full-small bert4rec $causal $small --dropout 0.2 --seed 2 $more --start-from "$(version strict-small)"
        train full-blend blend --members "bert4rec@$(version full-big) bert4rec@$(version full-small) \
            transitions ease"
        ;;
    masked) # BERT4Rec, in both splits
        train strict-masked bert4rec --protocol strict $masked $big --learning-rate 2e-3 --warmup-steps 200 \
            --epochs 25 --validate-every 5 --start-from "$(version strict-big)"
        train full-masked bert4rec $masked $big $more --start-from "$(version strict-masked)"
        ;;
    table) # with intervals, from the versions that were trained last: of bert4rec the masked one
        marquee evaluate blend bert4rec transitions --data "$data" --protocol strict --out "$out/strict"
        marquee evaluate blend bert4rec transitions --data "$data" --out "$out/leave-one-out"
        ;;
    *) echo "ml1m.sh: no step $step" >&2; exit 2 ;;
    esac
done
