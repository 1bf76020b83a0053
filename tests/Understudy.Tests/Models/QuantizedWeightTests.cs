using System.Text;
using Understudy.Models;
using Understudy.Parity;
using Understudy.Torch;

namespace Understudy.Tests.Models;

[Collection(LiveTensors.Name)]
public sealed class QuantizedWeightTests
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "nf4", "nf4.json");

    [Fact]
    public void Every_byte_is_that_of_bitsandbytes()
    {
        var checks = Nf4Parity.Run(Golden);
        Assert.DoesNotContain(checks, check => check.Verdict != ParityVerdict.Passed);
        Assert.Equal(25, checks.Count);
    }

    [Fact]
    public void A_changed_byte_fails()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Golden, folder["x.json"]);
        File.Copy(Path.ChangeExtension(Golden, ".safetensors"), folder["x.safetensors"]);
        using (var stream = new FileStream(folder["x.safetensors"], FileMode.Open))
        {
            stream.Seek(-100, SeekOrigin.End);   // in the last state's JSON or the codes before it
            var value = stream.ReadByte();
            stream.Seek(-1, SeekOrigin.Current);
            stream.WriteByte((byte)(value ^ 1));
        }

        var failed = Assert.Single(Nf4Parity.Run(folder["x.json"]), check => check.Verdict == ParityVerdict.Failed);
        Assert.Equal(1, failed.Difference);
    }

    [Fact]
    public void Zeros_and_what_is_no_number_become_what_bitsandbytes_makes_of_them()
    {
        using var scope = torch.NewDisposeScope();
        var values = new float[256];
        values[64] = 2;
        values[65] = float.NaN;
        values[128] = 3;
        values[129] = float.PositiveInfinity;
        values[192] = -5;
        var (codes, scales) = QuantizedMatrix.nf4_quantize(torch.tensor(values, 4, 64), 64);
        Assert.Equal([0f, float.NaN, float.PositiveInfinity, 5f], scales.ToArray<float>());
        var bytes = codes.ToArray<byte>();
        Assert.All(bytes[..64], code => Assert.Equal(0, code));       // 0 x 1/0 is no number, and that is nearest to level 0
        Assert.Equal(0x70, bytes[64]);                                // 3 x 0 is 0, which is level 7; infinity x 0 is no number
        Assert.All(bytes[65..96], code => Assert.Equal(0x77, code));
        Assert.Equal(0x07, bytes[96]);                                // -5 / 5 is level 0
    }

    [Fact]
    public void An_odd_count_is_filled_up_with_a_zero_and_a_last_block_of_16_bit_numbers_is_scaled_in_16_bits()
    {
        using var scope = torch.NewDisposeScope();
        var numbers = torch.randn([1, 67], new Generator(3));
        var (wide, _) = QuantizedMatrix.nf4_quantize(numbers, 64);
        Assert.Equal(34, wide.numel());
        Assert.Equal(7, wide.ToArray<byte>()[^1] & 15);
        // 0.75 / 1.0078125 = 0.744186: above 0.7423 in bfloat16's steps of 1/256 it stays 0.7422 or becomes 0.7461; levels 14 and 15 part at 0.8615.
        var small = torch.tensor(new[] { 1.0078125f, 0.8671875f }, 1, 2).to(ScalarType.BFloat16);
        var (narrow, _) = QuantizedMatrix.nf4_quantize(small, 64);
        Assert.Equal(0xFE, narrow.ToArray<byte>()[0]);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 3)]
    [InlineData(ScalarType.Float32, 40)]
    [InlineData(ScalarType.BFloat16, 3)]
    [InlineData(ScalarType.BFloat16, 40)]
    [InlineData(ScalarType.Float64, 40)]
    public void Linear_and_its_gradient_are_those_of_the_matrix_made_dense(ScalarType type, int rows)
    {
        foreach (var (quantized, columns) in new[] { ("nf4", 96), ("nf4 plain", 51), ("int8", 96) })
        {
            using var scope = torch.NewDisposeScope();
            using var generator = new Generator(1);
            var source = torch.randn([80, columns], generator);
            ILinearWeight weight = quantized == "int8" ? Int8Weight.Quantize("x.weight", source) : Nf4Weight.Quantize("x.weight", source, doubleQuantization: quantized == "nf4");
            var x = torch.randn([2, rows, columns], generator).to(type).requires_grad_();
            var same = x.detach().clone().requires_grad_();
            var bias = torch.randn([80], generator).to(type).requires_grad_();
            var upstream = torch.randn([2, rows, 80], generator).to(type);
            var y = weight.Apply(x, bias);
            var expected = nn.functional.linear(same, weight.Dense().to(type), bias.detach());
            Assert.Equal(type, y.dtype);
            var tolerance = type == ScalarType.BFloat16 ? 0.3 : 1e-4;   // two roundings at 32, instead of one
            Assert.True(Difference(y, expected) <= tolerance, $"{quantized} {Difference(y, expected)}");
            y.backward(upstream);
            expected.backward(upstream);
            Assert.True(Difference(x.grad!, same.grad!) <= tolerance, $"{quantized} {Difference(x.grad!, same.grad!)}");
            Assert.True(Difference(bias.grad!, upstream.sum(0).sum(0)) <= tolerance);
        }
    }

    [Fact]
    public void Library_operations_make_the_same_matrix_as_the_kernels()
    {
        using var scope = torch.NewDisposeScope();
        var source = torch.randn([33, 70], new Generator(2));
        // float64 has no kernel; float32 has.
        Func<ScalarType, ILinearWeight>[] weights =
        [
            type => Nf4Weight.Quantize("w", source, type: type),
            type => Nf4Weight.Quantize("w", source, 256, doubleQuantization: false, type: type),
            type => Int8Weight.Quantize("w", source, type: type),
        ];
        foreach (var weight in weights)
        {
            Assert.Equal(weight(ScalarType.Float32).Dense().ToArray<float>(), weight(ScalarType.Float64).Dense().to(ScalarType.Float32).ToArray<float>());
        }
    }

    [Fact]
    public void Autocast_computes_in_its_type()
    {
        using var scope = torch.NewDisposeScope();
        var weight = Nf4Weight.Quantize("w", torch.randn([32, 64], new Generator(2)));
        var x = torch.randn([5, 64], new Generator(3)).requires_grad_();
        Tensor y;
        using (torch.autocast(ScalarType.BFloat16)) y = weight.Apply(x, torch.zeros([32]));
        Assert.Equal(ScalarType.BFloat16, y.dtype);
        y.sum().backward();
        Assert.Equal(ScalarType.Float32, x.grad!.dtype);
    }

    [Fact]
    public void Int8_is_at_most_half_a_step_off()
    {
        using var scope = torch.NewDisposeScope();
        var source = torch.randn([16, 200], new Generator(2));
        var off = (Int8Weight.Quantize("w", source).Dense() - source).abs().amax(1);
        var steps = source.abs().amax(1) / 127;
        Assert.True((off / steps).max().item<double>() <= 0.5001);
        Assert.True((off / steps).max().item<double>() > 0.4);
        var zeros = torch.zeros([2, 4]);
        Assert.Equal(zeros.ToArray<float>(), Int8Weight.Quantize("w", zeros).Dense().ToArray<float>());
    }

    [Fact]
    public void The_offset_is_the_mean_of_many_scales()
    {
        using var scope = torch.NewDisposeScope();
        foreach (var count in new[] { 1, 7, 8, 31, 513, 4099, 300_001 })
        {
            var scales = torch.randn([count], new Generator(count)).abs();
            var (_, _, _, offset) = QuantizedMatrix.nf4_quantize_scales(scales, 256);
            Assert.Equal(scales.to(ScalarType.Float64).mean().item<double>(), offset, 1e-6);
        }
    }

    [Theory]
    [InlineData("{}", "is not the state of a 4-bit matrix: ")]
    [InlineData("{\"quant_type\": \"nf4\"", "is not the state of a 4-bit matrix: ")]
    [InlineData("{\"quant_type\": \"fp4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [2, 2]}", "says 'quant_type' is 'fp4', which is not supported. Supported: nf4.")]
    [InlineData("{\"quant_type\": \"nf4\", \"blocksize\": 0, \"dtype\": \"float32\", \"shape\": [2, 2]}", "describes no matrix in blocks: ")]
    [InlineData("{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [2, 2], \"nested_blocksize\": 256}", "is not the state of a 4-bit matrix: ")]
    [InlineData("{\"quant_type\": \"nf4\", \"blocksize\": 1e9999, \"dtype\": \"float32\", \"shape\": 5}", "is not the state of a 4-bit matrix: ")]
    public void A_damaged_state_says_what_is_wrong_with_it(string json, string message) =>
        Assert.StartsWith("file " + message, Assert.Throws<InvalidDataException>(() => Nf4State.Parse(Encoding.UTF8.GetBytes(json), "file")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0.129855677485466, "0.129855677485466")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(2, "2.0")]
    public void A_state_is_written_as_Python_writes_it(double offset, string text)
    {
        var state = new Nf4State(64, ScalarType.BFloat16, 3, 5, 256, offset);
        Assert.Equal(
            $"{{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"bfloat16\", \"shape\": [3, 5], \"nested_blocksize\": 256, \"nested_dtype\": \"float32\", \"nested_offset\": {text}}}",
            Encoding.UTF8.GetString(state.ToBytes()));
        Assert.Equal(state, Nf4State.Parse(state.ToBytes(), ""));
    }

    [Fact]
    public void A_step_leaves_no_tensor_behind()
    {
        using var weights = torch.NewDisposeScope();
        var weight = Nf4Weight.Quantize("w", torch.randn([64, 64], new Generator(1)));
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            var x = torch.randn([9, 64], new Generator(2)).requires_grad_();
            weight.Apply(x, null).sum().backward();
            _ = weight.Dense();
        }));
    }

    private static double Difference(Tensor a, Tensor b) => (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();
}
