using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Tests.Box;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_folder_of_an_earlier_version_becomes_one_that_transformers_loads()
    {
        TinyBox.Fill(folder["box"]);
        var source = Path.Combine(folder["box"], "neox-mini");
        File.Delete(Path.Combine(source, "tokenizer_config.json"));
        File.Delete(Path.Combine(source, "generation_config.json"));
        var (before, after) = Export.Run(source, folder["wide"], ScalarType.Float32);
        Assert.Equal(2 * before, after);
        Assert.Equal(["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], Directory.GetFiles(folder["wide"]).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllText(Path.Combine(source, "tokenizer.json")), File.ReadAllText(Path.Combine(folder["wide"], "tokenizer.json")));
        // Narrowed again nothing is lost.
        Assert.Equal((after, before), Export.Run(folder["wide"], folder["narrow"], ScalarType.BFloat16));
        Assert.Equal(File.ReadAllBytes(Path.Combine(source, "model.safetensors")), File.ReadAllBytes(Path.Combine(folder["narrow"], "model.safetensors")));
        Assert.Equal("bfloat16", JsonNode.Parse(File.ReadAllText(Path.Combine(folder["narrow"], "config.json")))!["torch_dtype"]!.GetValue<string>());
        Assert.Equal((before, before), Export.Run(source, folder["same"]));
    }

    [Fact]
    public void What_is_there_already_and_what_is_in_few_bits_is_refused()
    {
        TinyBox.Fill(folder["box"]);
        var source = Path.Combine(folder["box"], "neox-mini");
        Assert.StartsWith($"{source} is there already.", Assert.Throws<InvalidDataException>(() => Export.Run(source, source)).Message, StringComparison.Ordinal);
        Quantize.Run(source, folder["nf4"]);
        Assert.EndsWith("the weights are quantised, and another type was asked for. Leave the type out, or take the original checkpoint.", Assert.Throws<InvalidDataException>(() => Export.Run(folder["nf4"], folder["out"], ScalarType.Float32)).Message, StringComparison.Ordinal);
        using var model = AutoModel.Load(folder["nf4"]);
        Assert.Equal(
            "The model is held in 4 bits, which are saved as they are, and bfloat16 was asked for. Leave the type out, or load the original weights.",
            Assert.Throws<InvalidOperationException>(() => PretrainedFolder.Save(model, folder["out"], options: new SaveOptions { DType = ScalarType.BFloat16 })).Message);
        Export.Run(folder["nf4"], folder["copy"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["nf4"], "model.safetensors")), File.ReadAllBytes(Path.Combine(folder["copy"], "model.safetensors")));
    }
}
