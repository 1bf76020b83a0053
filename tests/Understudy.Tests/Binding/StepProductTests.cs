using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Products with packed matrices, and what follows them, against libtorch's in float64.</summary>
[Collection(LiveTensors.Name)]
public sealed class StepProductTests
{
    private const int Block = 32;

    public enum Format { Float32, BFloat16, Int8, Int8InBFloat16, Nf4, Nf4InBFloat16 }

    public static TheoryData<int, Format> Kernels()
    {
        var kernels = new TheoryData<int, Format>();
        foreach (var format in Enum.GetValues<Format>())
        {
            for (var isa = 0; isa < 4; isa++) kernels.Add(isa, format);
        }

        return kernels;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_product_is_that_of_the_plain_matrix_at_every_size(int isa, Format format)
    {
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(5);
        foreach (var (rows, anyInputs, outputs) in new[] { (1, 1, 1), (2, 7, 5), (5, 63, 64), (6, 64, 65), (7, 129, 130), (24, 257, 63), (25, 31, 200), (200, 96, 129) })
        {
            using var scope = torch.NewDisposeScope();
            var inputs = Inputs(format, anyInputs);
            var x = torch.randn([rows, inputs], numbers);
            var bias = rows % 2 == 0 ? null : torch.randn([outputs], numbers);
            var (packed, plain, type) = Pack(format, torch.randn([outputs, inputs], numbers), bias);
            using (packed)
            {
                var expected = x.to(type).to(ScalarType.Float64).matmul(plain.to(ScalarType.Float64).t());
                if (bias is not null) expected += bias.to(ScalarType.Float64);
                StepNumbers.Near(expected, StepNumbers.Product(x, packed, type), 2e-6);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_row_is_the_same_to_the_last_bit_among_any_number_of_others(int isa, Format format)
    {
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(6);
        using var scope = torch.NewDisposeScope();
        const int outputs = 70;
        var inputs = Inputs(format, 150);
        var x = torch.randn([200, inputs], numbers);
        var (packed, _, type) = Pack(format, torch.randn([outputs, inputs], numbers), torch.randn([outputs], numbers));
        using (packed)
        {
            var all = StepNumbers.Product(x, packed, type);
            foreach (var rows in new[] { 1, 2, 3, 5, 6, 7, 12, 13, 31, 64, 100, 199 })
            {
                Assert.Equal(all.AsSpan(0, rows * outputs).ToArray(), StepNumbers.Product(x.narrow(0, 0, rows), packed, type));
                Assert.Equal(all.AsSpan((200 - rows) * outputs).ToArray(), StepNumbers.Product(x.narrow(0, 200 - rows, rows), packed, type));
            }
        }
    }

    [Theory]
    [InlineData(StepActivation.Gelu, 2e-6)]
    [InlineData(StepActivation.GeluTanh, 2e-6)]
    [InlineData(StepActivation.Silu, 2e-6)]
    [InlineData(StepActivation.Relu, 1e-7)]
    [InlineData(StepActivation.Tanh, 1e-6)]
    [InlineData(StepActivation.QuickGelu, 2e-6)]
    [InlineData(StepActivation.Relu2, 1e-6)]
    [InlineData(StepActivation.Sigmoid, 1e-6)]
    public void Functions_are_as_exact_as_float32(StepActivation activation, double tolerance)
    {
        using var scope = torch.NewDisposeScope();
        using var identity = Identity(1, ScalarType.Float32);
        var values = (torch.arange(-9000, 9001).to(ScalarType.Float32) / 900).view(-1, 1);
        var exact = Exact(activation, values.to(ScalarType.Float64)).ToArray<double>();
        foreach (var isa in Enumerable.Range(0, 4))
        {
            using var instructions = new Instructions(isa);
            var found = StepNumbers.Product(values, identity, ScalarType.Float32, activation);
            for (var i = 0; i < exact.Length; i++) Assert.True(Math.Abs(exact[i] - found[i]) <= tolerance * Math.Max(1, Math.Abs(exact[i])), $"isa {isa}: {activation} of {(i - 9000) / 900.0} is {exact[i]}, found {found[i]}.");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_is_no_number_stays_none_and_in_its_row(int isa)
    {
        using var instructions = new Instructions(isa);
        using var numbers = new Generator(7);
        using var scope = torch.NewDisposeScope();
        foreach (var format in Enum.GetValues<Format>())
        {
            var inputs = Inputs(format, 33);
            var numbersOfX = torch.randn([9, inputs], numbers).ToArray<float>();
            numbersOfX[(4 * inputs) + inputs - 1] = float.NaN;
            var (packed, _, type) = Pack(format, torch.randn([20, inputs], numbers), null);
            using (packed)
            {
                foreach (var activation in Enum.GetValues<StepActivation>())
                {
                    var found = StepNumbers.Product(torch.tensor(numbersOfX, 9, inputs), packed, type, activation);
                    for (var i = 0; i < found.Length; i++) Assert.True(float.IsNaN(found[i]) == (i / 20 == 4), $"{format}, {activation}: row {i / 20} has {found[i]}.");
                }
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 37)]
    [InlineData(ScalarType.Float32, 64)]
    [InlineData(ScalarType.BFloat16, 37)]
    public void A_gate_is_the_product_of_its_halves(ScalarType type, int width)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(8);
        using var identity = Identity(width, type);
        var both = torch.randn([13, 2 * width], numbers) * 3;
        var (gate, up) = (both.narrow(1, 0, width), both.narrow(1, width, width));
        foreach (var isa in Enumerable.Range(0, 4))
        {
            using var instructions = new Instructions(isa);
            using var step = new InferenceStep(type);
            var wide = step.Buffer(2 * width, ScalarType.Float32);
            step.Embed(wide, both);
            var narrow = step.Buffer(width, type);
            step.Gate(wide, narrow, 0, width, width, StepActivation.Silu);
            var selected = step.Buffer(width, type, selected: true);
            step.Select(narrow, selected);
            step.Linear(selected, -1, identity);
            StepNumbers.Near(nn.functional.silu(gate) * up, StepNumbers.Run(step, StepNumbers.Whole(13), width), type == ScalarType.Float32 ? 1e-6 : 1.0 / 256);
        }
    }

    [Theory]
    [InlineData(false, 7)]
    [InlineData(false, 96)]
    [InlineData(true, 33)]
    [InlineData(true, 64)]
    public void A_norm_is_libtorch_s(bool rootMeanSquare, int width)
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(9);
        var (x, weight, bias) = ((torch.randn([13, width], numbers) * 3) + 1, torch.randn([width], numbers), rootMeanSquare ? null : torch.randn([width], numbers));
        var expected = rootMeanSquare ? nn.functional.rms_norm(x, weight, 1e-5) : nn.functional.layer_norm(x, [width], weight, bias, 1e-5);
        using var identity = Identity(width, ScalarType.Float32);
        foreach (var isa in Enumerable.Range(0, 4))
        {
            using var instructions = new Instructions(isa);
            using var step = new InferenceStep(ScalarType.Float32);
            var wide = step.Buffer(width, ScalarType.Float32);
            step.Embed(wide, x);
            step.Normalize(wide, wide, -1, weight, bias, 1e-5, rootMeanSquare);
            var selected = step.Buffer(width, ScalarType.Float32, selected: true);
            step.Select(wide, selected);
            step.Linear(selected, -1, identity);
            StepNumbers.Near(expected, StepNumbers.Run(step, StepNumbers.Whole(13), width), 2e-6);
        }
    }

    [Fact]
    public void Packing_and_computing_a_thousand_times_keeps_no_memory()
    {
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(10);
        var (x, weight) = (torch.randn([8, 512], numbers), torch.randn([512, 512], numbers));
        void Once()
        {
            using var packed = PackedMatrix.Pack(weight, null, ScalarType.Float32);
            using var pages = new PagedCache(2, 2, 16, ScalarType.Float32);
            pages.Reserve(1);
            StepNumbers.Product(x, packed, ScalarType.Float32);
        }

        for (var i = 0; i < 20; i++) Once();
        var (tensors, before) = (Tensor.TotalCount, Environment.WorkingSet);
        for (var i = 0; i < 1000; i++) Once();
        Assert.Equal(tensors, Tensor.TotalCount);
        // A thousand matrices are 1,000 MB.
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 100_000_000);
    }

    internal static PackedMatrix Identity(int width, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        var ones = new float[width * width];
        for (var i = 0; i < width; i++) ones[(i * width) + i] = 1;
        return PackedMatrix.Pack(torch.tensor(ones, width, width), null, type);
    }

    // Rows of NF4 are of whole blocks.
    private static int Inputs(Format format, int any) => format is Format.Nf4 or Format.Nf4InBFloat16 ? (any + Block - 1) / Block * Block : any;

    private static (PackedMatrix Packed, Tensor Plain, ScalarType Type) Pack(Format format, Tensor weight, Tensor? bias)
    {
        if (format == Format.Float32) return (PackedMatrix.Pack(weight, bias, ScalarType.Float32), weight, ScalarType.Float32);
        if (format == Format.BFloat16) return (PackedMatrix.Pack(weight, bias, ScalarType.BFloat16), weight.to(ScalarType.BFloat16), ScalarType.BFloat16);
        if (format is Format.Nf4 or Format.Nf4InBFloat16)
        {
            var (small, sizes) = QuantizedMatrix.nf4_quantize(weight, Block);
            var matrix = new QuantizedMatrix(small, sizes, weight.size(0), weight.size(1)) { BlockSize = Block };
            if (bias is not null)
            {
                var (nested, nestedScales, map, offset) = QuantizedMatrix.nf4_quantize_scales(sizes, 256);
                matrix = matrix with { Scales = nested, NestedMap = map, NestedScales = nestedScales, Offset = offset };
            }

            var nf4Type = format == Format.Nf4 ? ScalarType.Float32 : ScalarType.BFloat16;
            return (PackedMatrix.Pack(matrix, bias), matrix.dense(nf4Type), nf4Type);
        }

        var (codes, scales) = QuantizedMatrix.int8_quantize(weight);
        return (PackedMatrix.Pack(new QuantizedMatrix(codes, scales, weight.size(0), weight.size(1)), bias), codes.to(ScalarType.Float64) * scales.to(ScalarType.Float64).unsqueeze(1), format == Format.Int8 ? ScalarType.Float32 : ScalarType.BFloat16);
    }

    private static Tensor Exact(StepActivation activation, Tensor x) => activation switch
    {
        StepActivation.Gelu => nn.functional.gelu(x),
        StepActivation.GeluTanh => nn.functional.gelu(x, tanhApproximation: true),
        StepActivation.Silu => x * x.sigmoid(),
        StepActivation.Relu => nn.functional.relu(x),
        StepActivation.Tanh => x.tanh(),
        StepActivation.QuickGelu => x * (x * 1.702).sigmoid(),
        StepActivation.Relu2 => nn.functional.relu(x).pow(2),
        _ => x.sigmoid(),
    };
}
