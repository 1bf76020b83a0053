using System.Runtime.InteropServices;
using System.Text;
using Understudy.Data;
using Understudy.Models;

namespace Understudy.Tests.Models;

public sealed class SafeTensorsWriterTests : IDisposable
{
    private static readonly Dictionary<string, string> NoMetadata = [];
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Writes_the_bytes_of_the_reference_serializer()
    {
        // The vector of the reference's own test of forced alignment.
        var six = MemoryMarshal.AsBytes<float>([0f, 1, 2, 3, 4, 5]).ToArray();
        SafeTensorsWriter.Write(folder["a"], [SafeTensorsSource.FromBytes("attn0", SafeTensorsDType.F32, [1, 1, 2, 3], six)], NoMetadata);
        var header = "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ";
        Assert.Equal([72, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(header), .. six], File.ReadAllBytes(folder["a"]));
    }

    [Fact]
    public void Sorts_by_falling_element_type_then_name_and_says_format_pt()
    {
        SafeTensorsWriter.Write(folder["a"], [Zeros("b", SafeTensorsDType.BF16), Zeros("z", SafeTensorsDType.F32), Zeros("m", SafeTensorsDType.Bool), Zeros("a", SafeTensorsDType.F32), Zeros("i", SafeTensorsDType.I64), Zeros("h", SafeTensorsDType.F16)]);
        using var file = SafeTensorsFile.Open(folder["a"]);
        Assert.Equal(["i", "a", "z", "b", "h", "m"], file.Entries.Select(entry => entry.Name));
        Assert.Equal("pt", Assert.Single(file.Metadata).Value);
        Assert.All(file.Entries, entry => Assert.True(file.IsAligned(entry)));
    }

    [SharedFact("golden/gpt-neox/model.safetensors", "golden/nf4.safetensors", "golden/gpt-neox-bf16-sharded/model-00001-of-00005.safetensors", "models/all-MiniLM-L6-v2/model.safetensors")]
    public void Rewrites_files_of_the_reference_byte_for_byte()
    {
        foreach (var name in new[] { "golden/gpt-neox/model.safetensors", "golden/nf4.safetensors", "golden/gpt-neox-bf16-sharded/model-00001-of-00005.safetensors", "models/all-MiniLM-L6-v2/model.safetensors" })
        {
            var path = Path.Combine(SharedFactAttribute.Root, name);
            using var file = SafeTensorsFile.Open(path);
            // Reversed, so that equality is the writer's doing.
            SafeTensorsWriter.Write(
                folder["copy"], file.Entries.Reverse().Select(entry => SafeTensorsSource.FromPointer(entry.Name, entry.DType, entry.Shape, file.PointerTo(entry))), file.Metadata);
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(folder["copy"])), name);
        }
    }

    [Fact]
    public void Random_tensors_survive_a_round_trip()
    {
        var random = new SeededRandom(3);
        for (var round = 0; round < 100; round++)
        {
            var sources = new Dictionary<string, (SafeTensorsDType DType, long[] Shape, byte[] Bytes)>();
            for (var i = random.NextInt(8); i >= 0; i--)
            {
                var dtype = (SafeTensorsDType)random.NextInt(Enum.GetValues<SafeTensorsDType>().Length);
                var shape = Enumerable.Range(0, random.NextInt(4)).Select(_ => (long)random.NextInt(5)).Append(4).ToArray();
                var bytes = new byte[shape.Aggregate(1L, (a, b) => a * b) * dtype.BitSize() / 8];
                for (var b = 0; b < bytes.Length; b++) bytes[b] = (byte)random.NextInt(256);
                sources[$"t{i}.\"\\/é\u2028\U0001F600{(char)random.NextInt(0x80)}"] = (dtype, shape, bytes);
            }

            SafeTensorsWriter.Write(folder["r"], sources.Select(pair => SafeTensorsSource.FromBytes(pair.Key, pair.Value.DType, pair.Value.Shape, pair.Value.Bytes)));
            using var file = SafeTensorsFile.Open(folder["r"]);
            Assert.Equal(sources.Count, file.Entries.Count);
            foreach (var (name, (dtype, shape, bytes)) in sources)
            {
                Assert.True(file.TryGet(name, out var entry));
                Assert.Equal((dtype, bytes.Length), (entry.DType, (int)entry.ByteCount));
                Assert.Equal(shape, entry.Shape);
                Assert.True(file.BytesOf(entry).SequenceEqual(bytes));
            }
        }
    }

    [Fact]
    public void Replaces_a_file_that_is_open_without_disturbing_its_reader()
    {
        SafeTensorsWriter.Write(folder["a"], [SafeTensorsSource.FromBytes("x", SafeTensorsDType.U8, [2], new byte[] { 1, 2 })]);
        using var old = SafeTensorsFile.Open(folder["a"]);
        SafeTensorsWriter.Write(folder["a"], [SafeTensorsSource.FromBytes("x", SafeTensorsDType.U8, [2], new byte[] { 3, 4 })]);
        using var young = SafeTensorsFile.Open(folder["a"]);
        Assert.Equal([1, 2], old.BytesOf(old.Entries[0]).ToArray());
        Assert.Equal([3, 4], young.BytesOf(young.Entries[0]).ToArray());
        Assert.Single(Directory.GetFiles(folder.FullName));
    }

    [Fact]
    public void A_failure_on_the_way_leaves_the_earlier_file_and_nothing_else()
    {
        SafeTensorsWriter.Write(folder["a"], [Zeros("x", SafeTensorsDType.U8)]);
        var before = File.ReadAllBytes(folder["a"]);
        Assert.Throws<IOException>(() => SafeTensorsWriter.Write(folder["a"], [new SafeTensorsSource("y", SafeTensorsDType.U8, [2], _ => throw new IOException("disk"))]));
        var error = Assert.Throws<InvalidOperationException>(() => SafeTensorsWriter.Write(folder["a"], [new SafeTensorsSource("y", SafeTensorsDType.U8, [2], stream => stream.WriteByte(1))]));
        Assert.Equal("Tensor 'y' announced 2 bytes and wrote 1.", error.Message);
        Assert.Equal(before, File.ReadAllBytes(folder["a"]));
        Assert.Single(Directory.GetFiles(folder.FullName));
    }

    [Fact]
    public void Refuses_reserved_and_repeated_names_and_wrong_lengths()
    {
        Assert.Equal(
            "A tensor cannot be called '__metadata__': safetensors keeps that name for itself. Rename it. (Parameter 'name')",
            Assert.Throws<ArgumentException>(() => Zeros("__metadata__", SafeTensorsDType.U8)).Message);
        Assert.Equal(
            "Tensor 'x' is given twice; every tensor needs a name of its own. (Parameter 'tensors')",
            Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(folder["a"], [Zeros("x", SafeTensorsDType.U8), Zeros("x", SafeTensorsDType.F32)])).Message);
        Assert.Equal(
            "Tensor 'x' of shape [2, 3] and type F32 needs 24 bytes, found 6. (Parameter 'bytes')",
            Assert.Throws<ArgumentException>(() => SafeTensorsSource.FromBytes("x", SafeTensorsDType.F32, [2, 3], new byte[6])).Message);
        Assert.Equal(
            "Tensor 'x' of shape [-1] and type F32 is no whole number of bytes below 2^63. (Parameter 'shape')",
            Assert.Throws<ArgumentException>(() => SafeTensorsSource.FromBytes("x", SafeTensorsDType.F32, [-1], new byte[6])).Message);
    }

    private static SafeTensorsSource Zeros(string name, SafeTensorsDType dtype) => SafeTensorsSource.FromBytes(name, dtype, [1], new byte[dtype.BitSize() / 8]);
}
