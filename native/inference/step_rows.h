// Norms, gates and what is read from lines of logits.
#pragma once

#include "inference/step_attend.h"

namespace understudy {
namespace {

// Sums run over whole vectors and the rest one by one: the same for every row.
inline void normalize(const NormalizeTask& task, int64_t begin, int64_t end) {
    const auto whole = task.width / lanes * lanes;
    for (int64_t row = begin; row < end; row++) {
        const auto* in = task.in + row * task.in_row;
        float mean = 0;
        if (!task.root_mean_square) {
            Floats sums{};
            for (int64_t i = 0; i < whole; i += lanes) {
                sums = sums + load_floats(in + i);
            }
            mean = total(sums);
            for (int64_t i = whole; i < task.width; i++) {
                mean += in[i];
            }
            mean /= static_cast<float>(task.width);
        }
        Floats squares{};
        for (int64_t i = 0; i < whole; i += lanes) {
            const Floats x = load_floats(in + i) - mean;
            squares = squares + x * x;
        }
        float variance = total(squares);
        for (int64_t i = whole; i < task.width; i++) {
            variance += (in[i] - mean) * (in[i] - mean);
        }
        const float factor = 1.0f / __builtin_sqrtf(variance / static_cast<float>(task.width) + task.eps);
        for (int64_t i = 0; i < whole; i += lanes) {
            Floats x = (load_floats(in + i) - mean) * factor * load_floats(task.weight + i);
            if (task.bias != nullptr) {
                x = x + load_floats(task.bias + i);
            }
            if (task.wide != nullptr) {
                store_floats(task.wide + row * task.wide_row + i, x);
            }
            if (task.narrow != nullptr) {
                store_floats(task.narrow + row * task.narrow_row + i, x);
            }
        }
        for (int64_t i = whole; i < task.width; i++) {
            const float x = (in[i] - mean) * factor * task.weight[i] + (task.bias != nullptr ? task.bias[i] : 0.0f);
            if (task.wide != nullptr) {
                task.wide[row * task.wide_row + i] = x;
            }
            if (task.narrow != nullptr) {
                store_float(task.narrow + row * task.narrow_row + i, x);
            }
        }
    }
}

// Widths of the outputs are rounded up, so that whole vectors fit; what the inputs hold there is a number.
inline void gate(const GateTask& task, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const auto* gates = task.gate + row * task.in_row;
        const auto* ups = task.up + row * task.in_row;
        for (int64_t i = 0; i < task.width; i += lanes) {
            const Floats x = activate(task.activation, load_floats(gates + i)) * load_floats(ups + i);
            if (task.wide != nullptr) {
                store_floats(task.wide + row * task.out_row + i, x);
            }
            if (task.narrow != nullptr) {
                store_floats(task.narrow + row * task.out_row + i, x);
            }
        }
    }
}

struct Largest {
    float number;
    bool broken;  // whether one is no number; the largest means nothing then
};

inline Largest largest_of(const float* numbers, int64_t count) {
    const auto whole = count / lanes * lanes;
    Floats most = all(-__builtin_inff());
    Ints odd{};
    for (int64_t i = 0; i < whole; i += lanes) {
        const Floats x = load_floats(numbers + i);
        odd |= x != x;
        most = x > most ? x : most;
    }
    Largest found{largest(most), first_lane(odd) >= 0};
    for (int64_t i = whole; i < count; i++) {
        found.broken = found.broken || numbers[i] != numbers[i];
        found.number = numbers[i] > found.number ? numbers[i] : found.number;
    }
    return found;
}

inline int64_t largest_place(const float* numbers, int64_t count) {
    const auto [top, broken] = largest_of(numbers, count);
    if (broken) {
        return broken_logits;
    }
    const auto whole = count / lanes * lanes;
    // The lowest of equals.
    for (int64_t i = 0; i < whole; i += lanes) {
        const int lane = first_lane(load_floats(numbers + i) == top);
        if (lane >= 0) {
            return i + lane;
        }
    }
    for (int64_t i = whole; i < count; i++) {
        if (numbers[i] == top) {
            return i;
        }
    }
    return broken_logits;
}

inline double log_sum_exp(const float* numbers, int64_t count) {
    const auto [top, broken] = largest_of(numbers, count);
    if (broken) {
        return __builtin_nan("");
    }
    if (top == __builtin_inff() || top == -__builtin_inff()) {
        return top;
    }
    constexpr int64_t block = 1024;
    double sum = 0;
    for (int64_t from = 0; from < count; from += block) {
        const auto to = from + block < count ? from + block : count;
        Floats sums{};
        int64_t i = from;
        for (; i + lanes <= to; i += lanes) {
            sums = sums + exponential(load_floats(numbers + i) - top);
        }
        sum += static_cast<double>(total(sums));
        for (; i < to; i++) {
            sum += static_cast<double>(exponential(all(numbers[i] - top))[0]);
        }
    }
    return static_cast<double>(top) + __builtin_log(sum);
}

}  // namespace
}  // namespace understudy
