// What is read from lines of logits: the largest, the sum of exponentials, a token drawn.
#include "abi.h"
#include "inference/step_kernels.h"

#include <ATen/Parallel.h>

#include <cmath>

using namespace understudy;

namespace {

// Lines of logits, one after the other.
struct Lines {
    const float* numbers;
    int64_t count;
    int64_t vocabulary;

    const float* operator[](int64_t line) const { return numbers + line * vocabulary; }
};

Lines lines_of(ConstHandle logits, int64_t wanted) {
    TORCH_CHECK(logits->scalar_type() == at::kFloat && logits->dim() == 2 && logits->is_contiguous() && logits->device().is_cpu() && logits->size(1) > 0 && wanted <= logits->size(0),
                "expected at least ", wanted, " lines of float32, contiguous and on the CPU, found ", logits->scalar_type(), " ", logits->sizes());
    return {logits->data_ptr<float>(), logits->size(0), logits->size(1)};
}

}  // namespace

// The largest of each line of logits [lines, vocabulary] float32, -1 where one is NaN, -2 where all are minus infinity.
UNDERSTUDY_API int32_t understudy_argmax_lines(ConstHandle logits, int32_t lines, int32_t* tokens) {
    return status_of([&] {
        const auto given = lines_of(logits, lines);
        const auto kernels = step_kernels(false);
        at::parallel_for(0, lines, 4, [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                const auto place = kernels.largest(given[begin], given.vocabulary);
                tokens[begin] = static_cast<int32_t>(place >= 0 && std::isinf(given[begin][place]) && given[begin][place] < 0 ? nothing_allowed : place);
            }
        });
    });
}

// The logarithm of the sum of the exponentials of each line; NaN or infinite where a logit is.
UNDERSTUDY_API int32_t understudy_log_sum_exp_lines(ConstHandle logits, int32_t lines, double* sums) {
    return status_of([&] {
        const auto given = lines_of(logits, lines);
        const auto kernels = step_kernels(false);
        at::parallel_for(0, lines, 4, [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                sums[begin] = kernels.log_sum_exp(given[begin], given.vocabulary);
            }
        });
    });
}

// A token for each task; -1 for a line with a NaN, -2 for one that allows nothing.
UNDERSTUDY_API int32_t understudy_draw_lines(ConstHandle logits, const DrawTask* tasks, int32_t count, int32_t* tokens) {
    return status_of([&] {
        const auto given = lines_of(logits, 0);
        for (int32_t i = 0; i < count; i++) {
            TORCH_CHECK(tasks[i].line >= 0 && tasks[i].line < given.count && tasks[i].temperature > 0, "there is no line ", tasks[i].line, ", or the temperature ", tasks[i].temperature, " is not above 0");
        }
        const auto kernels = step_kernels(false);
        at::parallel_for(0, count, 2, [&](int64_t begin, int64_t end) {
            thread_local StepScratch scratch;
            for (; begin < end; begin++) {
                tokens[begin] = static_cast<int32_t>(kernels.draw(given[tasks[begin].line], given.vocabulary, tasks[begin], scratch));
            }
        });
    });
}
