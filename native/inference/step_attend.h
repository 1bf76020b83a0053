// Attention over the pages of a cache.
#pragma once

#include "inference/step_heads.h"

namespace understudy {
namespace {

constexpr int page_vectors = static_cast<int>(page_tokens) / lanes;

// scores[R lines][16 x P keys] = queries [R][steps] . keys of P pages.
template <class Word, int R, int P>
void page_scores(const uint32_t* queries, int64_t line, const uint32_t* const* pages, int64_t steps, float* scores, int64_t scores_line) {
    Floats sums[R][P * page_vectors];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 16
        for (int v = 0; v < P * page_vectors; v++) {
            sums[r][v] = Floats{};
        }
    }
    for (int64_t k = 0; k < steps; k++) {
        Words keys[P * page_vectors];
#pragma GCC unroll 16
        for (int v = 0; v < P * page_vectors; v++) {
            keys[v] = vector_at<Words>(pages[v / page_vectors] + k * page_tokens + v % page_vectors * lanes);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const Words x = Words{} + queries[r * line + k];
#pragma GCC unroll 16
            for (int v = 0; v < P * page_vectors; v++) {
                sums[r][v] = Word::multiply(sums[r][v], x, keys[v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 16
        for (int v = 0; v < P * page_vectors; v++) {
            store_floats(scores + r * scores_line + v * lanes, sums[r][v]);
        }
    }
}

template <class Word, int P>
inline void page_scores_of(int64_t rows, const uint32_t* queries, int64_t line, const uint32_t* const* pages, int64_t steps, float* scores, int64_t scores_line) {
    switch (rows) {
        case 1: page_scores<Word, 1, P>(queries, line, pages, steps, scores, scores_line); break;
        case 2: page_scores<Word, 2, P>(queries, line, pages, steps, scores, scores_line); break;
        case 3: page_scores<Word, 3, P>(queries, line, pages, steps, scores, scores_line); break;
        case 4: page_scores<Word, 4, P>(queries, line, pages, steps, scores, scores_line); break;
        case 5: page_scores<Word, 5, P>(queries, line, pages, steps, scores, scores_line); break;
        default: page_scores<Word, 6, P>(queries, line, pages, steps, scores, scores_line); break;
    }
}

// out[R][V vectors] = weights [R][words] . values of all pages.
template <class Word, int R, int V>
void mix(const uint32_t* weights, int64_t line, const uint32_t* const* pages, int64_t at, int64_t row, int64_t steps, float* out, int64_t out_line) {
    constexpr int64_t page_steps = page_tokens / Word::depth;
    Floats sums[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            sums[r][v] = Floats{};
        }
    }
    for (int64_t step = 0; step < steps; step += page_steps) {
        const auto* values = pages[step / page_steps] + at;
        const auto count = steps - step < page_steps ? steps - step : page_steps;
        for (int64_t k = 0; k < count; k++) {
            Words right[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) {
                right[v] = vector_at<Words>(values + k * row + v * lanes);
            }
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                const Words x = Words{} + weights[r * line + step + k];
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) {
                    sums[r][v] = Word::multiply(sums[r][v], x, right[v]);
                }
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            store_floats(out + r * out_line + v * lanes, sums[r][v]);
        }
    }
}

template <class Word, int V>
inline void mix_of(int64_t rows, const uint32_t* weights, int64_t line, const uint32_t* const* pages, int64_t at, int64_t row, int64_t steps, float* out, int64_t out_line) {
    switch (rows) {
        case 1: mix<Word, 1, V>(weights, line, pages, at, row, steps, out, out_line); break;
        case 2: mix<Word, 2, V>(weights, line, pages, at, row, steps, out, out_line); break;
        case 3: mix<Word, 3, V>(weights, line, pages, at, row, steps, out, out_line); break;
        case 4: mix<Word, 4, V>(weights, line, pages, at, row, steps, out, out_line); break;
        case 5: mix<Word, 5, V>(weights, line, pages, at, row, steps, out, out_line); break;
        default: mix<Word, 6, V>(weights, line, pages, at, row, steps, out, out_line); break;
    }
}

// Scores of keys [first, last), and what bias adds to each, become weights e**(score - largest), 0 elsewhere up to keys; what
// they sum up to. `seen`: bits of the keys from past on that count, null for all.
template <class Element>
float weigh(float* scores, Element* weights, int64_t first, int64_t last, int64_t keys, float scale, const float* bias, int64_t past, const uint64_t* seen) {
    const Floats hidden = all(-__builtin_inff());
    const auto whole_from = round_up(first, lanes);
    const auto whole_to = last / lanes * lanes;
    const auto begin = first / lanes * lanes;
    Floats most = hidden;
    for (int64_t j = begin; j < last; j += lanes) {
        Floats score = load_floats(scores + j) * scale;
        if (bias != nullptr) {
            score = score + load_floats(bias + j);
        }
        if (j < whole_from || j >= whole_to) {
            score = lanes_within(first - j, last - j) ? score : hidden;
        }
        if (seen != nullptr && j + lanes > past) {
            for (int i = 0; i < lanes; i++) {
                const auto key = j + i - past;
                if (key >= 0 && j + i < last && (seen[key / 64] >> (key % 64) & 1) == 0) {
                    score[i] = -__builtin_inff();
                }
            }
        }
        store_floats(scores + j, score);
        most = larger(most, score);
    }
    const auto top = largest(most);
    Floats sums{};
    for (int64_t j = 0; j < begin; j += lanes) {
        store_floats(weights + j, Floats{});
    }
    int64_t j = begin;
    for (; j < last; j += lanes) {
        const Floats score = load_floats(scores + j);
        const Floats weight = score == hidden ? Floats{} : exponential(score - top);
        sums = sums + weight;
        store_floats(weights + j, weight);
    }
    for (; j < keys; j += lanes) {
        store_floats(weights + j, Floats{});
    }
    return total(sums);
}

inline int64_t nearest_seen(int64_t key, int64_t most) { return key < most ? key : most; }

// The nodes of a tree that query i sees and that are within its window.
inline const uint64_t* nodes_within(const AttendTask& task, const StepRow& row, int64_t i, const uint64_t* seen, uint64_t* bits) {
    const auto* positions = task.positions + row.first;
    for (int64_t node = 0; node < row.count; node++) {
        const auto bit = uint64_t{1} << (node % 64);
        if (node % 64 == 0) {
            bits[node / 64] = 0;
        }
        if ((seen[node / 64] & bit) != 0 && positions[i] - positions[node] < task.window) {
            bits[node / 64] |= bit;
        }
    }
    return bits;
}

// Queries [begin, end) of a row for one head of keys.
template <class Word>
void attend(const AttendTask& task, const StepRow& row, int64_t key_head, int64_t begin, int64_t end, StepScratch& scratch) {
    using Element = typename Word::Element;
    const auto shared = task.heads / task.key_heads;
    const auto lines = (end - begin) * shared;
    const auto steps = (task.dim + Word::depth - 1) / Word::depth;
    const auto wide = round_up(task.dim, 16);
    const bool from_source = task.sees == Sees::source;
    const auto reach = from_source ? int64_t{row.source} : row.past + (task.sees == Sees::all || row.tree != nullptr ? int64_t{row.count} : end);
    const auto lowest = task.window > 0 && task.sees == Sees::before && row.tree == nullptr ? row.past + begin - task.window + 1 : 0;
    const auto first_page = lowest > 0 ? lowest / page_tokens : 0;
    const auto last_page = (reach + page_tokens - 1) / page_tokens;
    const auto pages = last_page - first_page;
    const auto keys = pages * page_tokens;
    const auto offset = first_page * page_tokens;
    if (reach <= 0) {
        for (int64_t i = begin; i < end; i++) {
            for (int64_t d = 0; d < shared * task.dim; d++) {
                const auto at = (row.first + i) * task.out_row + key_head * shared * task.dim + d;
                if (task.narrow != nullptr) {
                    task.narrow[at] = 0;
                } else {
                    task.out[at] = 0;
                }
            }
        }
        return;
    }

    const auto query_bytes = round_up(lines * steps * 4, 64);
    const auto score_bytes = lines * keys * 4;
    const auto weight_bytes = Word::depth == 1 ? 0 : round_up(lines * keys * 2, 64);
    const auto mixed_bytes = lines * wide * 4;
    const auto pointer_bytes = round_up(pages * 16, 64);
    const int64_t tree_words = row.tree != nullptr ? (row.count + 63) / 64 : 0;
    auto* memory = static_cast<uint8_t*>(step_scratch(scratch, static_cast<size_t>(query_bytes + score_bytes + weight_bytes + mixed_bytes + pointer_bytes + round_up(lines * 4, 64) + tree_words * 8)));
    auto* queries = reinterpret_cast<uint32_t*>(memory);
    auto* scores = reinterpret_cast<float*>(memory + query_bytes);
    auto* weights = Word::depth == 1 ? reinterpret_cast<Element*>(scores) : reinterpret_cast<Element*>(memory + query_bytes + score_bytes);
    auto* mixed = reinterpret_cast<float*>(memory + query_bytes + score_bytes + weight_bytes);
    auto* key_pages = reinterpret_cast<const uint32_t**>(memory + query_bytes + score_bytes + weight_bytes + mixed_bytes);
    auto* value_pages = key_pages + pages;
    auto* inverse = reinterpret_cast<float*>(memory + query_bytes + score_bytes + weight_bytes + mixed_bytes + pointer_bytes);

    auto* windowed = reinterpret_cast<uint64_t*>(reinterpret_cast<uint8_t*>(inverse) + round_up(lines * 4, 64));

    const auto* table = from_source ? row.source_pages : row.pages;
    for (int64_t p = 0; p < pages; p++) {
        const auto* base = page_at(task.store, table[first_page + p]) + task.layer * task.store.layer_bytes + key_head * task.store.head_bytes;
        key_pages[p] = reinterpret_cast<const uint32_t*>(base);
        value_pages[p] = reinterpret_cast<const uint32_t*>(base + task.store.key_bytes);
    }
    for (int64_t line = 0; line < lines; line++) {
        const auto* from = static_cast<const Element*>(task.query) + (row.first + begin + line / shared) * task.query_row + (key_head * shared + line % shared) * task.dim;
        auto* to = reinterpret_cast<Element*>(queries + line * steps);
        std::memcpy(to, from, static_cast<size_t>(task.dim) * sizeof(Element));
        if (Word::depth == 2 && task.dim % 2 != 0) {
            to[task.dim] = 0;
        }
    }

    constexpr int at_once = page_vectors == 1 ? 4 : page_vectors == 2 ? 1 : 1;
    for (int64_t line = 0; line < lines; line += tile_rows) {
        const auto rows = lines - line < tile_rows ? lines - line : tile_rows;
        int64_t p = 0;
        for (; p + at_once <= pages; p += at_once) {
            page_scores_of<Word, at_once>(rows, queries + line * steps, steps, key_pages + p, steps, scores + line * keys + p * page_tokens, keys);
        }
        for (; p < pages; p++) {
            page_scores_of<Word, 1>(rows, queries + line * steps, steps, key_pages + p, steps, scores + line * keys + p * page_tokens, keys);
        }
    }
    for (int64_t line = 0; line < lines; line++) {
        const auto i = begin + line / shared;
        const bool ordered = task.sees == Sees::before && row.tree == nullptr;
        const auto last = ordered ? row.past + i + 1 : reach;
        // In a row of the usual kind a token's position is its place.
        const int64_t position = task.window == 0 ? 0 : ordered ? row.past + i : task.positions[row.first + i];
        const auto first = task.sees == Sees::before && task.window > 0 && position + 1 > task.window ? nearest_seen(position + 1 - task.window, ordered ? last : int64_t{row.past}) : 0;
        const auto* seen = task.sees == Sees::before && row.tree != nullptr ? row.tree + i * tree_words : nullptr;
        if (seen != nullptr && task.window > 0) {
            seen = nodes_within(task, row, i, seen, windowed);
        }
        const auto* bias = task.bias == nullptr ? nullptr : task.bias + (key_head * shared + line % shared) * task.bias_row + task.bias_origin + offset - (row.past + i);
        const auto sum = weigh(scores + line * keys, weights + line * keys, first - offset > 0 ? first - offset : 0, last - offset, keys, task.scale, bias, row.past - offset, seen);
        inverse[line] = 1.0f / sum;
    }
    const auto value_steps = (reach - offset + Word::depth - 1) / Word::depth;
    const auto weight_line = keys / Word::depth;
    for (int64_t line = 0; line < lines; line += tile_rows) {
        const auto rows = lines - line < tile_rows ? lines - line : tile_rows;
        const auto* own = reinterpret_cast<const uint32_t*>(weights) + line * weight_line;
        int64_t d = 0;
        for (; d + group * lanes <= wide; d += group * lanes) {
            mix_of<Word, group>(rows, own, weight_line, value_pages, d, wide, value_steps, mixed + line * wide + d, wide);
        }
        for (; d < wide; d += lanes) {
            mix_of<Word, 1>(rows, own, weight_line, value_pages, d, wide, value_steps, mixed + line * wide + d, wide);
        }
    }
    for (int64_t line = 0; line < lines; line++) {
        const auto at = (row.first + begin + line / shared) * task.out_row + (key_head * shared + line % shared) * task.dim;
        const auto* from = mixed + line * wide;
        int64_t d = 0;
        if (task.narrow != nullptr) {
            for (; d + lanes <= task.dim; d += lanes) {
                store_floats(task.narrow + at + d, load_floats(from + d) * inverse[line]);
            }
            for (; d < task.dim; d++) {
                store_float(task.narrow + at + d, from[d] * inverse[line]);
            }
        } else {
            for (; d + lanes <= task.dim; d += lanes) {
                store_floats(task.out + at + d, load_floats(from + d) * inverse[line]);
            }
            for (; d < task.dim; d++) {
                task.out[at + d] = from[d] * inverse[line];
            }
        }
    }
}

}  // namespace
}  // namespace understudy
