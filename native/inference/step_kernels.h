// The kernels of this machine, and the memory that its threads work in.
#pragma once

#include "inference/step.h"

#include <cstdlib>
#include <memory>

namespace understudy {

// Grows to what the largest task took.
struct StepScratch {
    std::unique_ptr<void, void (*)(void*)> memory{nullptr, std::free};
    size_t bytes = 0;
};

// Those of the best instructions that isa() allows, for float32 factors or for bfloat16 ones.
StepKernels step_kernels(bool narrow);

}  // namespace understudy
