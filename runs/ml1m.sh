#!/bin/sh
# From the raw file to the README's table of ranking figures on MovieLens 1M.
#
#   sh runs/ml1m.sh PATH/ml-1m.txt [STEP ...]     steps: strict masked fast table (default: all, in this order)
#
# ml-1m.txt is the file of the SASRec and BERT4Rec repositories (docs/evaluation.md). Models go to MARQUEE_HOME; each
# version's name is kept in runs/out, so what is there is not trained again, and an interrupted training goes on. On
# one core: strict 55 minutes, masked 25, fast 10, table 5. `marquee` must be on the PATH.
set -eu
data=${1:?usage: sh runs/ml1m.sh PATH/ml-1m.txt [STEP ...]}
shift
steps=${*:-strict masked fast table}
out=$(dirname "$0")/out
mkdir -p "$out"

# What all the sequence models share; what each choice is worth: docs/decisions/052-the-recipe-for-ranking.md
shape="--max-length 200 --windows one --heads 1 --positions none --attention-bias relative --convolution 3
    --start-from-counts false --batch-size 16"
causal="$shape --objective causal --learning-rate 3e-3 --warmup-steps 200 --validate-every 5"

masked="$shape --objective masked --mask-probability 0.3 --last-item-share 0.4 --hidden-size 128 --layers 4 --dropout 0.2"

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

for step in $steps; do
    case $step in
    strict) # nobody's second-last film is trained on; all of them choose epoch and weights
        train big bert4rec --protocol strict $causal --hidden-size 128 --layers 4 --dropout 0.35 --epochs 50 --seed 1
        train small bert4rec --protocol strict $causal --hidden-size 64 --layers 4 --dropout 0.2 --epochs 40 --seed 2
        train blend blend --protocol strict \
            --members "bert4rec@$(version big) bert4rec@$(version small) transitions ease"
        ;;
    masked) # BERT4Rec proper: masks instead of the next film, sight both ways, from the weights of a causal model
        train masked bert4rec --protocol strict $masked --learning-rate 2e-3 --warmup-steps 200 --epochs 25 \
            --validate-every 5 --start-from "$(version big)"
        # RecTools' split: on with everybody's second-last films; nothing is chosen, the last epoch is kept
        train masked-on bert4rec $masked --learning-rate 1e-3 --warmup-steps 100 --epochs 8 --validate-every 8 \
            --random-window 0 --start-from "$(version masked)"
        ;;
    fast) # ten minutes of one core; nothing is chosen: the last epoch, the weights of the blend above
        train fast bert4rec $causal --hidden-size 128 --layers 2 --dropout 0.15 --epochs 20 --validate-every 20
        train fast-blend blend --members "bert4rec@$(version fast) transitions ease" --weights "1.2 0.7 1"
        ;;
    table) # The only looks at the test set. What strict has trained is also judged beside what fast has: the test is one
        marquee evaluate "blend=blend@$(version blend)" "big=bert4rec@$(version big)" "small=bert4rec@$(version small)" \
            "masked=bert4rec@$(version masked)" transitions ease decayed=ease --set decayed.decay=5 item_knn \
            --data "$data" --protocol strict --out "$out/strict"
        marquee evaluate "blend=blend@$(version blend)" "masked=bert4rec@$(version masked-on)" \
            "minutes=blend@$(version fast-blend)" "fast=bert4rec@$(version fast)" transitions ease \
            decayed=ease --set decayed.decay=5 item_knn nearby=item_knn --set nearby.decay=5 \
            --data "$data" --out "$out/leave-one-out"
        ;;
    *) echo "ml1m.sh: no step $step" >&2; exit 2 ;;
    esac
done
