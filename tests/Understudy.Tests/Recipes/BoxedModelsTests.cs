using Understudy.Box;
using Understudy.Recipes;
using Understudy.Tests.Box;

namespace Understudy.Tests.Recipes;

public sealed class BoxedModelsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Models_are_told_from_their_configurations_and_cards()
    {
        var box = TinyBox.Fill(folder["box"]);
        var listing = BoxedModels.List(box);
        Assert.Equal(folder["box"], listing.Folder);
        Assert.Equal(
            [
                ("box://bart-mini", "bart", "BartForConditionalGeneration", ModelUse.GenerationStudent),
                ("box://neox-mini", "gpt_neox", "GPTNeoXForCausalLM", ModelUse.Teacher),
                ("box://roberta-mini", "roberta", "RobertaForMaskedLM", ModelUse.ClassificationStudent),
            ],
            listing.Models.Select(model => (model.Name, model.Family!, model.Architecture!, model.Use!.Value)));
        Assert.All(listing.Models, model =>
        {
            Assert.Null(model.Fault);
            Assert.Equal(("cc-by-sa-4.0", "A tiny random model\nfor tests."), (model.License, model.Summary));
            Assert.Equal(["BF16"], model.Types);
            Assert.Equal(new DirectoryInfo(model.Path).EnumerateFiles().Sum(file => file.Length), model.Bytes);
        });
        // Embedding, which the output shares, 1 block of 12 H² and 13 H, and the last norm.
        var vocabulary = Understudy.Tokenization.Tokenizer.FromFolder(listing.Models[1].Path).VocabularySize;
        Assert.Equal((16 * vocabulary) + (8 * 16 * 16) + (16 * 9) + 32 + (16 * 2), listing.Models[1].Parameters);
        Assert.Equal(listing.Models[1] with { Types = [] }, BoxedModels.Describe(box, "neox-mini") with { Types = [] });
        Assert.Equal(listing.Models[1].Path, BoxedModels.Describe(box, "box://neox-mini").Path);
    }

    [Theory]
    [InlineData("config.json", null, "is not a model folder: it has no config.json.")]
    [InlineData("config.json", "{\"model_type\": \"gpt_j\"}", "'model_type' is 'gpt_j', which is not supported.")]
    [InlineData("model.safetensors", null, "expected model.safetensors or model.safetensors.index.json, found neither.")]
    [InlineData("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "model.safetensors")]
    [InlineData("tokenizer.json", null, "has no tokenizer:")]
    [InlineData("README.md", "---\nlicense: mit\n", "README.md: the line '---' that ends the card's head is missing.")]
    [InlineData("README.md", "---\nlicense: mit\n  x: [\n---\n", "README.md(3,")]
    [InlineData("README.md", "---\nunderstudy_use: tutor\n---\n", "README.md: understudy_use: expected one of teacher, classification_student, generation_student, found 'tutor'.")]
    public void What_is_wrong_with_one_leaves_the_others_and_is_an_error_where_it_is_asked_for(string file, string? content, string fault)
    {
        var box = TinyBox.Fill(folder["box"]);
        var path = Path.Combine(folder["box"], "neox-mini", file);
        File.Delete(path);
        if (content is not null)
            File.WriteAllText(path, content);
        var models = BoxedModels.List(box).Models;
        Assert.Contains(fault, models[1].Fault, StringComparison.Ordinal);
        Assert.Null(models[0].Fault);
        Assert.Null(models[2].Fault);
        Assert.Equal(models[1].Fault, Assert.Throws<InvalidDataException>(() => BoxedModels.Describe(box, "neox-mini")).Message);
    }

    [Fact]
    public void A_card_need_not_be_there_or_have_a_head()
    {
        var box = TinyBox.Fill(folder["box"]);
        var card = Path.Combine(folder["box"], "neox-mini", "README.md");
        File.Delete(card);
        Assert.Equal((null, null, "", null), Told());
        File.WriteAllText(card, "\n# A model\n\nIt writes.\n");
        Assert.Equal((null, null, "It writes.", null), Told());
        File.WriteAllText(card, "---\r\nlicense: [mit, cc-by-4.0]\r\nmodel-index: [{name: x, results: [1]}]\r\n---\r\nIt writes.\r\n# Data\r\n");
        Assert.Equal(("mit, cc-by-4.0", null, "It writes.", null), Told());

        (string? License, ModelUse? Use, string Summary, string? Fault) Told() => BoxedModels.Describe(box, "neox-mini") is var model ? (model.License, model.Use, model.Summary, model.Fault) : default;
    }

    [Fact]
    public void A_box_that_is_not_there_has_no_models()
    {
        var listing = BoxedModels.List(new ModelBox(folder["box"]));
        Assert.Equal((null, $"Looked for {folder["box"]}, found no such folder."), (listing.Folder, listing.Search));
        Assert.Empty(listing.Models);
    }
}
