// A token drawn from a line of logits: temperature, top-k, top-p and min-p in that order, without sorting the vocabulary.
#pragma once

#include "inference/step_rows.h"

namespace understudy {
namespace {

constexpr int64_t summed_at_once = 1024;

// In float32 within a block, in double over the blocks.
inline double mass_of(const float* weights, int64_t count) {
    double sum = 0;
    for (int64_t from = 0; from < count; from += summed_at_once) {
        const auto to = from + summed_at_once < count ? from + summed_at_once : count;
        Floats sums{};
        int64_t i = from;
        for (; i + lanes <= to; i += lanes) {
            sums = sums + load_floats(weights + i);
        }
        sum += static_cast<double>(total(sums));
        for (; i < to; i++) {
            sum += static_cast<double>(weights[i]);
        }
    }
    return sum;
}

inline void sift_down(float* heap, int64_t size, int64_t parent) {
    const float value = heap[parent];
    for (int64_t child = 2 * parent + 1; child < size; child = 2 * parent + 1) {
        if (child + 1 < size && heap[child + 1] < heap[child]) {
            child++;
        }
        if (value <= heap[child]) {
            break;
        }
        heap[parent] = heap[child];
        parent = child;
    }
    heap[parent] = value;
}

// The k-th largest number. Nearly all of a vocabulary lies below it: whole vectors are passed over.
inline float kth_largest(const float* numbers, int64_t count, int64_t k, float* heap) {
    for (int64_t i = 0; i < k; i++) {
        heap[i] = numbers[i];
    }
    for (int64_t i = k / 2 - 1; i >= 0; i--) {
        sift_down(heap, k, i);
    }
    int64_t at = k;
    while (at < count) {
        if (at + lanes <= count && first_lane(load_floats(numbers + at) > heap[0]) < 0) {
            at += lanes;
            continue;
        }
        const auto end = at + lanes < count ? at + lanes : count;
        for (; at < end; at++) {
            if (numbers[at] > heap[0]) {
                heap[0] = numbers[at];
                sift_down(heap, k, 0);
            }
        }
    }
    return heap[0];
}

inline uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return bits;
}

inline float number_of(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}

// Moves the weights from `least` on, or those below it, to the front of another array. Returns how many.
inline int64_t gather(const float* weights, int64_t count, float least, bool above, float* to) {
    int64_t found = 0;
    int64_t i = 0;
#if UNDERSTUDY_LANES == 16
    for (; i + lanes <= count; i += lanes) {
        const __m512 x = _mm512_loadu_ps(weights + i);
        const __mmask16 kept = above ? _mm512_cmp_ps_mask(x, _mm512_set1_ps(least), _CMP_GE_OQ) : _mm512_cmp_ps_mask(x, _mm512_set1_ps(least), _CMP_LT_OQ);
        // Compressed in a register: compressing stores take ten times as long on some processors.
        _mm512_storeu_ps(to + found, _mm512_maskz_compress_ps(kept, x));
        found += __builtin_popcount(kept);
    }
#endif
    for (; i < count; i++) {
        to[found] = weights[i];
        found += (weights[i] >= least) == above ? 1 : 0;
    }
    return found;
}

// Zeroes what is not among the fewest most probable tokens that reach a mass; of equal ones those of the highest ids stay. All
// weights are from 0 to 1. Two buffers of count + lanes numbers.
inline void keep_nucleus(float* weights, int64_t count, double mass, float* left, float* right) {
    uint32_t low = 0;                        // the weights from here on reach the mass
    uint32_t high = bits_of(1.0f) + 1;       // those from here on do not
    double above = 0;                        // what those are together
    const float* open = weights;
    int64_t size = count;
    float* next = left;
    while (high - low > 1) {
        const auto middle = low + (high - low) / 2;
        const auto found = gather(open, size, number_of(middle), true, next);
        const auto own = mass_of(next, found);
        if (above + own >= mass) {
            low = middle;
            size = found;
        } else {
            above += own;
            high = middle;
            size = gather(open, size, number_of(middle), false, next);
        }
        open = next;
        next = open == left ? right : left;
    }
    const float threshold = number_of(low);
    // `open` holds nothing but equal weights now.
    int64_t ties = size;
    if (threshold > 0) {
        const auto needed = (mass - above) / static_cast<double>(threshold);
        ties = needed < static_cast<double>(size) ? static_cast<int64_t>(__builtin_ceil(needed)) : size;
        ties = ties < 1 && above == 0 ? 1 : ties;
    }
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Floats x = load_floats(weights + i);
        store_floats(weights + i, x < threshold ? Floats{} : x);
    }
    for (; i < count; i++) {
        weights[i] = weights[i] < threshold ? 0.0f : weights[i];
    }
    auto surplus = threshold > 0 ? size - ties : 0;
    for (int64_t j = 0; surplus > 0; j++) {
        if (weights[j] == threshold) {
            weights[j] = 0;
            surplus--;
        }
    }
}

inline int64_t draw(const float* logits, int64_t count, const DrawTask& task, StepScratch& scratch) {
    const auto best = largest_place(logits, count);
    if (best < 0) {
        return broken_logits;
    }
    const float top = logits[best];
    if (top == -__builtin_inff()) {
        return nothing_allowed;
    }
    if (top == __builtin_inff()) {
        return best;
    }
    const auto room = round_up(count + lanes, 16);
    auto* weights = static_cast<float*>(step_scratch(scratch, static_cast<size_t>(3 * room) * sizeof(float)));
    const bool some = task.top_k > 0 && task.top_k < count;
    const float least = some ? kth_largest(logits, count, task.top_k, weights) : -__builtin_inff();
    const float factor = 1.0f / task.temperature;
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Floats x = load_floats(logits + i);
        const Floats weight = exponential((x - top) * factor);
        store_floats(weights + i, x < least ? Floats{} : weight);
    }
    for (; i < count; i++) {
        weights[i] = logits[i] < least ? 0.0f : exponential(all((logits[i] - top) * factor))[0];
    }
    if (task.top_p < 1) {
        keep_nucleus(weights, count, task.top_p * mass_of(weights, count), weights + room, weights + 2 * room);
    }
    if (task.min_p > 0) {
        for (int64_t j = 0; j < count; j++) {
            weights[j] = weights[j] < task.min_p ? 0.0f : weights[j];
        }
    }
    double rest = task.share * mass_of(weights, count);
    for (int64_t from = 0; from < count; from += summed_at_once) {
        const auto to = from + summed_at_once < count ? from + summed_at_once : count;
        const auto own = mass_of(weights + from, to - from);
        if (rest >= own) {
            rest -= own;
            continue;
        }
        for (int64_t j = from; j < to; j++) {
            rest -= static_cast<double>(weights[j]);
            if (rest < 0 && weights[j] > 0) {
                return j;
            }
        }
    }
    // Rounding left a remainder beyond the last token.
    return best;
}

template <class Word>
StepKernels kernels_of() {
    return {linear<Word>, heads<Word>, attend<Word>, normalize, gate, largest_place, log_sum_exp, draw};
}

}  // namespace
}  // namespace understudy
