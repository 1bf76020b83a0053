#define UNDERSTUDY_LANES 16
#include "inference/step_draw.h"

namespace understudy {

StepKernelSet step_avx512() { return {kernels_of<Single>(), kernels_of<Paired>()}; }

}  // namespace understudy
