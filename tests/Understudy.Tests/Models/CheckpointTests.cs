using System.Text.Json;
using Understudy.Models;
using static Understudy.Tests.Models.SafeTensorsBytes;
using File = System.IO.File;

namespace Understudy.Tests.Models;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Shards_are_filled_in_order_indexed_and_read_back_as_one()
    {
        var paths = SafeTensorsShardWriter.Write(folder.FullName, [Bytes("c", 4), Bytes("a", 4), Bytes("big", 20), Bytes("b", 4), Bytes("d", 3)], maxShardSize: 10);

        Assert.Equal(["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"], paths.Select(Path.GetFileName));
        Assert.Equal(
            """
            {
              "metadata": {
                "total_parameters": 35,
                "total_size": 35
              },
              "weight_map": {
                "a": "model-00002-of-00003.safetensors",
                "b": "model-00003-of-00003.safetensors",
                "big": "model-00001-of-00003.safetensors",
                "c": "model-00002-of-00003.safetensors",
                "d": "model-00003-of-00003.safetensors"
              }
            }

            """, File.ReadAllText(folder["model.safetensors.index.json"]));
        using var checkpoint = Checkpoint.Open(folder.FullName);
        Assert.Equal(["a", "b", "big", "c", "d"], checkpoint.Names.Order());
        Assert.True(checkpoint.TryGet("big", out var big));
        Assert.Equal(20, big.Entry.ByteCount);
        Assert.NotEqual(0, big.Address);
        Assert.False(checkpoint.TryGet("e", out _));
    }

    [Fact]
    public void A_save_removes_the_files_of_an_earlier_save_and_nothing_else()
    {
        File.WriteAllText(folder["model-card.safetensors"], "not ours");
        SafeTensorsShardWriter.Write(folder.FullName, [Bytes("a", 4), Bytes("b", 4), Bytes("c", 4)], maxShardSize: 4);
        SafeTensorsShardWriter.Write(folder.FullName, [Bytes("a", 4), Bytes("b", 4)], maxShardSize: 4);
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model-card.safetensors", "model.safetensors.index.json"], FileNames());
        SafeTensorsShardWriter.Write(folder.FullName, [Bytes("a", 4)]);
        Assert.Equal(["model-card.safetensors", "model.safetensors"], FileNames());
        SafeTensorsShardWriter.Write(folder.FullName, [Bytes("a", 4), Bytes("b", 4)], maxShardSize: 4);
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model-card.safetensors", "model.safetensors.index.json"], FileNames());
        using var checkpoint = Checkpoint.Open(folder.FullName);
        Assert.Equal(2, checkpoint.Names.Count);
    }

    [SharedFact("golden/gpt-neox-bf16-sharded")]
    public void Opens_a_sharded_checkpoint_of_the_reference()
    {
        using var checkpoint = Checkpoint.Open(Path.Combine(SharedFactAttribute.Root, "golden/gpt-neox-bf16-sharded"));
        Assert.True(checkpoint.TryGet("embed_out.weight", out var output));
        Assert.Equal(SafeTensorsDType.BF16, output.Entry.DType);
        Assert.Equal(99072, checkpoint.Names.Sum(name => checkpoint.TryGet(name, out var tensor) ? tensor.Entry.ByteCount : 0));
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData("model.bin")]
    [InlineData(".safetensors")]
    [InlineData("")]
    public void Refuses_shards_outside_the_folder(string shard)
    {
        Index("{\"weight_map\":{\"a\":" + JsonSerializer.Serialize(shard) + "}}");
        Assert.Equal(
            $"{folder["model.safetensors.index.json"]}: tensor 'a' is said to be in '{shard}'; expected the name of a .safetensors file in the same folder. "
            + "Do not trust this checkpoint unless you know where it comes from.", Refusal());
    }

    [Fact]
    public void Refuses_a_missing_shard_a_missing_tensor_and_a_tensor_in_two_places()
    {
        File.WriteAllBytes(folder["1.safetensors"], SafeTensorsBytes.File("{" + Entry("a", "U8", "[1]", 0, 1) + "}", 1));
        Index("""{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}""");
        Assert.Equal($"{folder["model.safetensors.index.json"]}: the shard 2.safetensors is missing from the folder. Download or copy all 2 shards.", Refusal());

        Index("""{"weight_map":{"a":"1.safetensors","b":"1.safetensors"}}""");
        Assert.Equal($"{folder["model.safetensors.index.json"]}: tensor 'b' is not in its shard 1.safetensors. The index and the shards come from different saves; download or save them again together.", Refusal());

        File.WriteAllBytes(folder["2.safetensors"], SafeTensorsBytes.File("{" + Entry("b", "U8", "[1]", 0, 1) + "}", 1));
        Index("""{"weight_map":{"a":"2.safetensors","b":"1.safetensors"}}""");
        Assert.Equal($"{folder["model.safetensors.index.json"]}: tensor 'a' is not in its shard 2.safetensors but in 1.safetensors. The index and the shards come from different saves; download or save them again together.", Refusal());

        File.WriteAllBytes(folder["2.safetensors"], SafeTensorsBytes.File("{" + Entry("a", "U8", "[1]", 0, 1) + "}", 1));
        Index("""{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}""");
        Assert.Equal($"{folder["2.safetensors"]}: tensor 'a' is also in 1.safetensors. The shards come from different saves; download or save them again together.", Refusal());

        Index("""{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}""");
        Assert.Equal($"{folder["model.safetensors.index.json"]}: tensor 'a' is listed twice, in 1.safetensors and in 2.safetensors. Download or save the checkpoint again.", Refusal());
    }

    [Theory]
    [InlineData("[]", "expected an object with the key 'weight_map', which gives every tensor its shard; found none.")]
    [InlineData("{}", "expected an object with the key 'weight_map', which gives every tensor its shard; found none.")]
    [InlineData("{\"weight_map\":[]}", "expected an object with the key 'weight_map', which gives every tensor its shard; found none.")]
    [InlineData("{\"weight_map\":{\"a\":1}}", "expected the file name of a shard for tensor 'a', found Number.")]
    [InlineData("{\"weight_map\":{},\"weight_map\":{}}", "the key 'weight_map' appears twice.")]
    public void Refuses_a_bad_index(string json, string message)
    {
        Index(json);
        Assert.Equal($"{folder["model.safetensors.index.json"]}: {message}", Refusal());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"weight_map\":{\"a\":\"1.safetensors\"")]
    [InlineData("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]],\"weight_map\":{}}")]
    public void Refuses_an_index_that_is_no_json(string json)
    {
        Index(json);
        Assert.StartsWith($"{folder["model.safetensors.index.json"]}: the index is not valid JSON: ", Refusal());
    }

    [Fact]
    public void Refuses_pickled_weights_with_the_way_to_convert_them()
    {
        File.WriteAllText(folder["pytorch_model.bin"], "");
        File.WriteAllText(folder["training_args.bin"], "");
        Assert.Equal(
            $"{folder.FullName}: expected model.safetensors, found pickled PyTorch weights (pytorch_model.bin), and reading a pickle runs the code in it. "
            + "If you trust where the folder comes from, convert it once with Python: "
            + "from transformers import AutoModel; AutoModel.from_pretrained('FOLDER').save_pretrained('NEW_FOLDER', safe_serialization=True) "
            + "(take the class that 'architectures' in config.json names instead of AutoModel, or the head is lost).", Refusal());
        Assert.Equal(
            $"{folder["pytorch_model.bin"]}: expected safetensors, found pickled PyTorch weights, and reading a pickle runs the code in it. "
            + "If you trust where the file comes from, convert it once with Python: from safetensors.torch import save_file; import torch; "
            + "save_file({k: v.contiguous().clone() for k, v in torch.load('pytorch_model.bin', map_location='cpu', weights_only=True).items()}, 'model.safetensors', {'format': 'pt'})",
            Assert.Throws<InvalidDataException>(() => Checkpoint.Open(folder["pytorch_model.bin"])).Message);
    }

    [Fact]
    public void Says_what_is_missing()
    {
        Assert.Equal($"{folder.FullName}: expected model.safetensors or model.safetensors.index.json, found neither.", Assert.Throws<FileNotFoundException>(() => Checkpoint.Open(folder.FullName)).Message);
        Assert.Equal($"{folder["no"]}: there is no such file or folder.", Assert.Throws<FileNotFoundException>(() => Checkpoint.Open(folder["no"])).Message);
    }

    private static SafeTensorsSource Bytes(string name, int count) => SafeTensorsSource.FromBytes(name, SafeTensorsDType.U8, [count], new byte[count]);

    private void Index(string json) => File.WriteAllText(folder["model.safetensors.index.json"], json);

    private string Refusal() => Assert.Throws<InvalidDataException>(() => Checkpoint.Open(folder.FullName)).Message;

    private IEnumerable<string?> FileNames() => Directory.GetFiles(folder.FullName).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
