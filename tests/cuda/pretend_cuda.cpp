// A CUDA device without a GPU, for tests of torch programs on CPU builds of torch.
//
// Its memory is the host's and its kernels are the CPU's. An operation that mixes devices raises
// an error, as on a GPU.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <mutex>
#include <set>

namespace {

using c10::Device;
using c10::DeviceIndex;
using c10::Stream;

constexpr auto kind = c10::DeviceType::CUDA;
constexpr DeviceIndex n_devices = 2;
thread_local DeviceIndex current = 0;

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kind; }
  Device exchangeDevice(Device device) const override {
    Device before(kind, current);
    setDevice(device);
    return before;
  }
  Device getDevice() const override { return Device(kind, current); }
  void setDevice(Device device) const override {
    if (device.index() < 0) return;
    TORCH_CHECK(device.index() < n_devices, "CUDA error: invalid device ordinal");
    current = device.index();
  }
  void uncheckedSetDevice(Device device) const noexcept override {
    if (device.index() >= 0) current = device.index();
  }
  Stream getStream(Device device) const noexcept override {
    return Stream(Stream::DEFAULT, device.index() < 0 ? getDevice() : device);
  }
  Stream getDefaultStream(Device device) const override { return getStream(device); }
  Stream getNewStream(Device device, int) const override { return getStream(device); }
  Stream exchangeStream(Stream stream) const noexcept override {
    return Stream(Stream::DEFAULT, stream.device());
  }
  DeviceIndex deviceCount() const noexcept override { return n_devices; }
  void record(void**, const Stream&, const DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const DeviceIndex) const noexcept override {}
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
};
c10::impl::DeviceGuardImplRegistrar registered_guard(kind, new Guard());

// Memory

void* host_memory(size_t n) { return n ? c10::GetCPUAllocator()->raw_allocate(n) : nullptr; }
void free_host_memory(void* p) {
  if (p) c10::GetCPUAllocator()->raw_deallocate(p);
}

struct DeviceMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void* p = host_memory(n);
    return {p, p, &free_host_memory, Device(kind, current)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_host_memory; }
  void copy_data(void* to, const void* from, size_t n) const override {
    default_copy_data(to, from, n);
  }
} device_memory;

std::mutex pins;
std::set<const void*> pinned;

bool is_pinned(const void* p) {
  std::lock_guard<std::mutex> lock(pins);
  return pinned.count(p) > 0;
}

struct PinnedMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void* p = host_memory(n);
    std::lock_guard<std::mutex> lock(pins);
    pinned.insert(p);
    return {p, p, &free_pinned, Device(c10::DeviceType::CPU)};
  }
  static void free_pinned(void* p) {
    {
      std::lock_guard<std::mutex> lock(pins);
      pinned.erase(p);
    }
    free_host_memory(p);
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_pinned; }
  void copy_data(void* to, const void* from, size_t n) const override {
    default_copy_data(to, from, n);
  }
} pinned_memory;

// Random numbers: a generator for each device

at::Generator& generator_of(DeviceIndex i) {
  static at::Generator generators[n_devices] = {
      at::detail::createCPUGenerator(1), at::detail::createCPUGenerator(2)};
  return generators[i < 0 ? current : i];
}

struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return n_devices; }
  int getNumGPUs() const override { return n_devices; }
  DeviceIndex current_device() const override { return current; }
  DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(DeviceIndex i) const override { Guard().setDevice(Device(kind, i)); }
  DeviceIndex exchangeDevice(DeviceIndex i) const override {
    return Guard().exchangeDevice(Device(kind, i)).index();
  }
  DeviceIndex maybeExchangeDevice(DeviceIndex i) const override { return exchangeDevice(i); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_memory; }
  bool isPinnedPtr(const void* p) const override { return is_pinned(p); }
  Device getDeviceFromPtr(void*) const override { return Device(kind, current); }
  void deviceSynchronize(DeviceIndex) const override {}
};

}  // namespace

namespace at {
using CUDAHooks = ::Hooks;
REGISTER_CUDA_HOOKS(CUDAHooks);
}  // namespace at

namespace {

// Kernels

at::Tensor on_host(const at::Tensor& t) {  // a tensor of the CPU on the same memory
  if (!t.defined() || !t.is_cuda()) return t;
  at::AutoDispatchBelowAutograd below;
  auto options = at::TensorOptions().dtype(t.dtype()).device(at::kCPU);
  if (t.numel() == 0) return at::empty_strided(t.sizes(), t.strides(), options);
  auto alias = at::from_blob(t.mutable_data_ptr(), t.sizes(), t.strides(), options);
  if (t.is_neg()) alias._set_neg(true);
  return alias;
}

at::Tensor empty_strided(
    c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>, std::optional<Device> device, std::optional<bool>) {
  c10::DeviceGuard guard(device.value_or(Device(kind, current)));
  return at::detail::empty_strided_generic(
      size, stride, &device_memory, c10::DispatchKeySet(c10::DispatchKey::CUDA),
      c10::dtype_or_default(dtype));
}

at::Tensor empty(
    c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
    std::optional<Device> device, std::optional<bool> pin,
    std::optional<at::MemoryFormat> format) {
  TORCH_CHECK(!pin.value_or(false), "Only dense CPU tensors can be pinned");
  c10::DeviceGuard guard(device.value_or(Device(kind, current)));
  return at::detail::empty_generic(
      size, &device_memory, c10::DispatchKeySet(c10::DispatchKey::CUDA),
      c10::dtype_or_default(dtype), format);
}

at::Tensor on_device(const at::Tensor& t, Device device) {
  if (!t.defined() || t.is_cuda()) return t;
  auto out =
      empty_strided(t.sizes(), t.strides(), t.scalar_type(), std::nullopt, device, std::nullopt);
  if (t.numel()) on_host(out).copy_(t);
  return out;
}

at::Tensor& copy_(at::Tensor& self, const at::Tensor& source, bool) {
  if (self.numel() || source.numel()) on_host(self).copy_(on_host(source));
  return self;
}

at::Tensor copy_from_and_resize(const at::Tensor& source, const at::Tensor& target) {
  target.resize_(source.sizes());
  const_cast<at::Tensor&>(target).copy_(source);
  return target;
}

at::Scalar local_scalar_dense(const at::Tensor& t) { return on_host(t).item(); }

const at::Tensor& resize_(
    const at::Tensor& self, c10::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  return at::native::resize_(self, size, format);
}

at::Tensor& set_source(
    at::Tensor& self, at::Storage storage, int64_t offset, c10::IntArrayRef size,
    c10::IntArrayRef stride) {
  return at::native::set_storage_cpu_(self, storage, offset, size, stride);
}

at::Tensor view(const at::Tensor& t, c10::IntArrayRef size) { return at::native::view(t, size); }

at::Tensor reshape_alias(const at::Tensor& t, c10::IntArrayRef size, c10::IntArrayRef stride) {
  return at::native::_reshape_alias(t, size, stride);
}

void record_stream(at::Tensor&, at::Stream) {}

const std::set<std::string> take_indices_of_the_host = {
    "aten::index.Tensor", "aten::index.Tensor_out", "aten::_index_put_impl_", "aten::index_put_"};

// The device that an operation runs on; tensors of several devices raise an error.
class OneDevice {
 public:
  explicit OneDevice(const std::string& name) : name_(name) {}

  void see(const c10::IValue& value) {
    if (value.isTensor()) {
      see(value.toTensor());
    } else if (value.isTensorList()) {
      for (const at::Tensor& t : value.toTensorVector()) see(t);
    } else if (value.isOptionalTensorList()) {
      for (const std::optional<at::Tensor>& t : value.toOptionalTensorList())
        if (t) see(*t);
    } else if (value.isDevice()) {
      device_ = value.toDevice();
    }
  }

  Device get() const {
    TORCH_CHECK(device_, "no CUDA tensor for ", name_);
    return device_->index() < 0 ? Device(kind, current) : *device_;
  }

 private:
  void see(const at::Tensor& t) {
    if (!t.defined()) return;
    if (!t.is_cuda()) {
      TORCH_CHECK(
          t.dim() == 0 || take_indices_of_the_host.count(name_),
          "Expected all tensors to be on the same device, but found at least two devices, "
          "cuda and cpu! (", name_, ")");
      return;
    }
    TORCH_CHECK(
        !device_ || *device_ == t.device(),
        "Expected all tensors to be on the same device, but found at least two devices, ",
        *device_, " and ", t.device(), "! (", name_, ")");
    device_ = t.device();
  }

  std::string name_;
  std::optional<Device> device_;
};

// Runs any operation by the CPU's kernel, on tensors of the CPU that share the device's memory.
void run_on_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const auto& arguments = schema.arguments();
  const auto n = arguments.size();
  const auto& overload = schema.operator_name().overload_name;
  const auto args = torch::jit::last(*stack, n).vec();
  OneDevice one_device(overload.empty() ? schema.name() : schema.name() + "." + overload);
  for (const auto& value : args) one_device.see(value);
  const Device device = one_device.get();

  std::vector<at::Tensor> originals(n);
  std::vector<std::pair<at::Tensor, at::Tensor>> resized;  // outputs that were given empty
  std::vector<c10::IValue> host_args;
  for (size_t i = 0; i < n; ++i) {
    const c10::IValue& value = args[i];
    const auto* alias = arguments[i].alias_info();
    const bool takes_generator = arguments[i].type()->str().find("Generator") != std::string::npos;
    if (value.isTensor()) {
      const at::Tensor& t = originals[i] = value.toTensor();
      if (t.defined() && t.is_cuda() && alias && alias->isWrite() && t.numel() == 0) {
        resized.emplace_back(t, at::empty({0}, t.options().device(at::kCPU)));
        host_args.emplace_back(resized.back().second);
      } else {
        host_args.emplace_back(on_host(t));
      }
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& t : value.toTensorVector()) list.push_back(on_host(t));
      host_args.emplace_back(list);
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& t : value.toOptionalTensorList())
        list.push_back(t ? std::optional<at::Tensor>(on_host(*t)) : std::nullopt);
      host_args.emplace_back(list);
    } else if (value.isDevice()) {
      host_args.emplace_back(Device(c10::DeviceType::CPU));
    } else if (takes_generator && (value.isGenerator() || value.isNone())) {
      TORCH_CHECK(
          value.isNone() || value.toGenerator().device().type() == kind,
          "Expected a 'cuda' device type for generator");
      host_args.emplace_back(generator_of(device.index()));
    } else {
      host_args.emplace_back(value);
    }
  }

  torch::jit::drop(*stack, n);
  const auto n_before = stack->size();
  for (auto& value : host_args) torch::jit::push(*stack, value);
  op.callBoxed(stack);

  for (auto& [original, result] : resized) {
    original.resize_(result.sizes());
    if (result.numel()) on_host(original).copy_(result);
  }
  for (size_t r = 0; r < schema.returns().size(); ++r) {
    auto& value = (*stack)[n_before + r];
    const auto* alias = schema.returns()[r].alias_info();
    if (alias && alias->isWrite()) {
      for (size_t i = 0; i < n; ++i)
        if (value.isTensor() && arguments[i].alias_info() && *arguments[i].alias_info() == *alias)
          value = c10::IValue(originals[i]);
    } else if (value.isTensor()) {
      value = c10::IValue(on_device(value.toTensor(), device));
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& t : value.toTensorVector()) list.push_back(on_device(t, device));
      value = c10::IValue(list);
    }
  }
}

TORCH_LIBRARY_IMPL(_, CUDA, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_host>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("copy_", &copy_);
  m.impl("_copy_from_and_resize", &copy_from_and_resize);
  m.impl("_local_scalar_dense", &local_scalar_dense);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &view);
  m.impl("_reshape_alias", &reshape_alias);
  m.impl("unfold", &at::native::unfold);
  m.impl("resize_", &resize_);
  m.impl("set_.source_Storage_storage_offset", &set_source);
  m.impl("record_stream", &record_stream);
}

struct RegisteredAllocator {
  RegisteredAllocator() { c10::SetAllocator(kind, &device_memory); }
} registered_allocator;

}  // namespace

// For ctypes, whose calls no dispatch mode of torch sees.
extern "C" {
int pretend_current_device() { return current; }
void pretend_set_device(int i) { Guard().uncheckedSetDevice(Device(kind, i)); }
void pretend_manual_seed(int i, uint64_t seed) { generator_of(i).set_current_seed(seed); }
size_t pretend_rng_size() { return generator_of(0).get_state().nbytes(); }
void pretend_get_rng_state(int i, void* to) {
  auto state = generator_of(i).get_state();
  memcpy(to, state.data_ptr(), state.nbytes());
}
void pretend_set_rng_state(int i, void* from, size_t n) {
  auto state = generator_of(i).get_state();
  memcpy(state.mutable_data_ptr(), from, n);
  generator_of(i).set_state(state);
}
}
