#define UNDERSTUDY_LANES 8
#include "inference/step_draw.h"

namespace understudy {

StepKernelSet step_avx2() { return {kernels_of<Single>(), kernels_of<Paired>()}; }

}  // namespace understudy
