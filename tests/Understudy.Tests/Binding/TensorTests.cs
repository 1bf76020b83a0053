using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Understudy.Torch;

namespace Understudy.Tests.Binding;

public sealed class TensorTests
{
    [Fact]
    public void A_refused_operation_says_why_without_the_stack_of_libtorch()
    {
        using var scope = torch.NewDisposeScope();
        var thrown = Assert.Throws<TorchException>(() => torch.ones([2, 3]).matmul(torch.ones([2, 3])));
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", thrown.Message);
        Assert.StartsWith(thrown.Message, thrown.Details, StringComparison.Ordinal);
        Assert.Contains("frame #", thrown.Details, StringComparison.Ordinal);
    }

    [Fact]
    public void Scalars_keep_whether_they_were_integers()
    {
        using var scope = torch.NewDisposeScope();
        var whole = torch.tensor(new long[] { 1, 2 });
        Assert.Equal(ScalarType.Int64, (whole + 1).dtype);
        Assert.Equal(ScalarType.Int64, (whole * 3L).dtype);
        Assert.Equal(ScalarType.Float32, (whole * 1.5).dtype);
        Assert.Equal(ScalarType.Float32, (whole / 2).dtype);
        Assert.Equal(ScalarType.Float32, (torch.ones([1]) + 1).dtype);
        Assert.Equal(ScalarType.BFloat16, (torch.ones([1], ScalarType.BFloat16) * 2.5).dtype);
        Assert.Equal([1.5f, 3f], (whole * 1.5).ToArray<float>());
        Assert.Equal(9007199254740993, (torch.zeros([1], ScalarType.Int64) + 9007199254740993).item<long>());
    }

    [Fact]
    public void Types_convert_as_libtorch_converts_them()
    {
        using var scope = torch.NewDisposeScope();
        // 1 + 2^-8 lies between two bfloat16 numbers and goes to the even one; 1 + 3 x 2^-8 likewise.
        var values = torch.tensor([1f + (1f / 256), 1f + (3f / 256), -2.75f, 1e30f]);
        Assert.Equal([0x3F80, 0x3F82, 0xC030, 0x714A], values.to(ScalarType.BFloat16).ToArray<ushort>().Select(bits => (int)bits));
        Assert.Equal([1L, 1L, -2L], values.narrow(0, 0, 3).to(ScalarType.Int64).ToArray<long>());
        Assert.Equal([true, false], torch.tensor([0.5f, 0f]).to(ScalarType.Bool).ToArray<bool>());
        Assert.Equal((Half)(-2.75f), values.to(ScalarType.Float16).ToArray<Half>()[2]);
        Assert.Equal(-2.75, values.to(ScalarType.Float64).ToArray<double>()[2]);
        Assert.Equal([1, 0], torch.tensor(new[] { true, false }).to(ScalarType.Int32).ToArray<int>());
    }

    [Fact]
    public void Reading_a_tensor_as_another_type_says_how_to_convert()
    {
        using var scope = torch.NewDisposeScope();
        var thrown = Assert.Throws<ArgumentException>(() => torch.ones([2]).ToArray<double>());
        Assert.Equal("A tensor of Float32 cannot be read as Double. Convert it first: tensor.to(ScalarType...). (Parameter 'destination')", thrown.Message);
        var looked = Assert.Throws<InvalidOperationException>(() => { torch.ones([2, 3]).t().data<float>(); });
        Assert.Equal("Only a contiguous CPU tensor of Single elements can be looked into; this one is [3x2], type = Float32, device = cpu.", looked.Message);
        Assert.Equal("expected 12 bytes for this shape and type, found 8", Assert.Throws<TorchException>(() => torch.tensor([1f, 2f], 3)).Message);
    }

    [Fact]
    public void Sizes_count_from_both_ends()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.zeros([2, 3, 5]);
        Assert.Equal((2L, 5L, 3L), (x.size(0), x.size(-1), x.size(-2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.size(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.size(-4));
        Assert.Equal([15L, 5L, 1L], x.stride());
    }

    [Theory]
    [InlineData("gpu", "Device 'gpu' is not known: expected 'cpu', 'cuda' or 'cuda:N'. (Parameter 'text')")]
    [InlineData("cuda:", "Device 'cuda:' is not known: expected 'cpu', 'cuda' or 'cuda:N'. (Parameter 'text')")]
    [InlineData("cuda:-1", "Device 'cuda:-1' is not known: expected 'cpu', 'cuda' or 'cuda:N'. (Parameter 'text')")]
    [InlineData("CPU", "Device 'CPU' is not known: expected 'cpu', 'cuda' or 'cuda:N'. (Parameter 'text')")]
    public void An_unknown_device_is_refused(string text, string expected) =>
        Assert.Equal(expected, Assert.Throws<ArgumentException>(() => Device.Parse(text)).Message);

    [Fact]
    public void A_gpu_that_is_not_there_is_refused()
    {
        Assert.Equal(Device.CPU, Device.Parse("cpu"));
        var thrown = Assert.Throws<ArgumentException>(() => Device.Parse("cuda:99"));
        Assert.Equal($"Device 'cuda:99' was asked for, but libtorch {torch.__version__} sees {torch.cuda.device_count()} CUDA device(s). Use 'cpu', or build against a CUDA libtorch: LIBTORCH=/path/to/libtorch ./understudy ... (Parameter 'text')", thrown.Message);
    }

    [Fact]
    public void Memory_of_somebody_else_is_held_until_its_last_view_is_gone()
    {
        using var folder = new TemporaryFolder();
        var path = folder["numbers"];
        File.WriteAllBytes(path, MemoryMarshal.AsBytes<float>([1, 2, 3, 4, 5, 6]).ToArray());
        var map = new MappedNumbers(path);
        using var scope = torch.NewDisposeScope();
        var whole = torch.from_blob(map.Address, [2, 3], ScalarType.Float32, map);
        var row = whole.select(0, 1);
        var copy = whole.clone();
        whole.Dispose();
        Assert.False(map.Closed);
        Assert.Equal([4f, 5f, 6f], row.ToArray<float>());
        row.Dispose();
        Assert.True(map.Closed);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], copy.ToArray<float>());
    }

    [Fact]
    public void A_graph_holds_the_memory_it_needs_for_its_gradient()
    {
        using var folder = new TemporaryFolder();
        var path = folder["numbers"];
        File.WriteAllBytes(path, MemoryMarshal.AsBytes<float>([2, 3]).ToArray());
        var map = new MappedNumbers(path);
        using var x = torch.ones([2]).requires_grad_();
        Tensor loss;
        using (var scope = torch.NewDisposeScope())
        {
            loss = DisposeScope.Detach((x * torch.from_blob(map.Address, [2], ScalarType.Float32, map)).sum());
        }

        Assert.False(map.Closed);
        loss.backward();
        loss.Dispose();
        Assert.True(map.Closed);
        using var gradient = x.grad!;
        Assert.Equal([2f, 3f], gradient.ToArray<float>());
    }

    private sealed unsafe class MappedNumbers : IDisposable
    {
        private readonly MemoryMappedFile file;
        private readonly MemoryMappedViewAccessor view;
        private byte* start;

        public MappedNumbers(string path)
        {
            file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        }

        public nint Address => (nint)start;

        public bool Closed { get; private set; }

        public void Dispose()
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file.Dispose();
            Closed = true;
        }
    }
}
