// Queries, keys and values of new tokens, and where they lie in the pages of a cache.
#pragma once

#include "inference/step_linear.h"

namespace understudy {
namespace {

inline const uint8_t* page_at(const PageStore& store, int64_t page) {
    return store.slabs[page / store.pages_in_slab] + page % store.pages_in_slab * store.page_bytes;
}

template <class Word>
inline void put_number(void* words, int64_t word, int64_t half, float x) {
    if (Word::depth == 1) {
        static_cast<float*>(words)[word] = x;
    } else {
        store_float(static_cast<uint16_t*>(words) + 2 * word + half, x);
    }
}

// What the heads of one token are, in float32.
inline void head_numbers(const HeadsTask& task, const float* from, const float* norm, int64_t position, float* to) {
    const auto dim = task.dim;
    if (norm == nullptr) {
        for (int64_t i = 0; i < dim; i++) {
            to[i] = from[i];
        }
    } else {
        float squares = 0;
        for (int64_t i = 0; i < dim; i++) {
            squares += from[i] * from[i];
        }
        const float factor = 1.0f / __builtin_sqrtf(squares / static_cast<float>(dim) + task.eps);
        for (int64_t i = 0; i < dim; i++) {
            to[i] = from[i] * factor * norm[i];
        }
    }
    if (task.cosine != nullptr) {
        const auto* cosine = task.cosine + position * task.rotated;
        const auto* sine = task.sine + position * task.rotated;
        const auto half = task.rotated / 2;
        for (int64_t i = 0; i < half; i++) {
            const float x = to[i];
            const float y = to[i + half];
            to[i] = x * cosine[i] - y * sine[i];
            to[i + half] = y * cosine[i + half] + x * sine[i + half];
        }
    }
}

// Tokens [begin, end) of a row; a token's cache place follows from the row.
template <class Word>
void heads(const HeadsTask& task, const StepRow& row, const int32_t* positions, int64_t begin, int64_t end, StepScratch& scratch) {
    using Element = typename Word::Element;
    auto* numbers = static_cast<float*>(step_scratch(scratch, static_cast<size_t>(task.dim + lanes) * sizeof(float)));
    const auto wide = round_up(task.dim, 16);
    for (int64_t i = begin; i < end; i++) {
        const auto token = row.first + i;
        const auto* in = task.in + token * task.in_row;
        if (task.query_at >= 0) {
            for (int64_t head = 0; head < task.heads; head++) {
                head_numbers(task, in + task.query_at + head * task.query_step, task.query_norm, positions[token], numbers);
                auto* out = static_cast<Element*>(task.query) + token * task.query_row + head * task.dim;
                int64_t d = 0;
                for (; d + lanes <= task.dim; d += lanes) {
                    store_floats(out + d, load_floats(numbers + d) * task.query_scale);
                }
                for (; d < task.dim; d++) {
                    store_float(out + d, numbers[d] * task.query_scale);
                }
            }
        }
        if (task.key_at < 0) {
            continue;
        }
        const auto place = row.past + i;
        const auto page = (task.source ? row.source_pages : row.pages)[place / page_tokens];
        const auto slot = place % page_tokens;
        for (int64_t head = 0; head < task.key_heads; head++) {
            auto* keys = const_cast<uint8_t*>(page_at(task.store, page)) + task.layer * task.store.layer_bytes + head * task.store.head_bytes;
            auto* values = keys + task.store.key_bytes;
            head_numbers(task, in + task.key_at + head * task.key_step, task.key_norm, positions[token], numbers);
            for (int64_t d = 0; d < task.dim; d++) {
                put_number<Word>(keys, d / Word::depth * page_tokens + slot, d % Word::depth, numbers[d]);
            }
            if (Word::depth == 2 && task.dim % 2 != 0) {
                put_number<Word>(keys, task.dim / 2 * page_tokens + slot, 1, 0);
            }
            const auto* value = in + task.value_at + head * task.value_step;
            for (int64_t d = 0; d < wide; d++) {
                const auto word = slot / Word::depth * wide + d;
                put_number<Word>(values, word, slot % Word::depth, d < task.dim ? value[d] : 0);
                // What lay there before could be no number, and a weight of 0 would not hide it. Where a token follows, another
                // thread may have put its numbers there already.
                if (Word::depth == 2 && slot % 2 == 0 && i + 1 == row.count) {
                    put_number<Word>(values, word, 1, 0);
                }
            }
        }
    }
}

}  // namespace
}  // namespace understudy
