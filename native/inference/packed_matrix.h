// A matrix in the order in which the kernels of an inference step read it.
#pragma once

#include "inference/step.h"

#include <ATen/ATen.h>

#include <memory>

namespace understudy {

struct PackedMatrix {
    Panels panels;
    std::shared_ptr<void> memory;      // of panels.data
    std::shared_ptr<float> of_scales;  // of panels.scales
    std::shared_ptr<float> of_bias;    // of panels.bias
};

// Memory in huge pages, aligned to 64 bytes; freed with the last that shares it. Weights are read once for a token, and small
// pages cost a fifth of the rate.
std::shared_ptr<void> huge_memory(size_t bytes);

}  // namespace understudy
