// What decides in which type weights are packed, and whether they have changed since.
#include "abi.h"
#include "kernels/autocast.h"

#include <c10/core/GradMode.h>

using namespace understudy;

// The type that autocast takes matrix products on the CPU in now; -1 where it is off.
UNDERSTUDY_API int32_t understudy_autocast_dtype() {
    int32_t found = -1;
    status_of([&] {
        const auto type = autocast_type(at::kCPU);
        found = type.has_value() ? static_cast<int32_t>(*type) : -1;
    });
    return found;
}

// How often the tensor was written to.
UNDERSTUDY_API int64_t understudy_tensor_version(ConstHandle tensor) { return tensor->is_inference() ? 0 : static_cast<int64_t>(tensor->_version()); }

// Gives the tensor's memory back where nobody else holds it; it has no numbers and no size from then on.
UNDERSTUDY_API int32_t understudy_tensor_clear(Handle tensor) {
    return status_of([&] {
        c10::NoGradGuard no_grad;
        tensor->set_();
    });
}
