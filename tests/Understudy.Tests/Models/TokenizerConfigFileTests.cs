using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Tests.Box;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>What stands beside a tokenizer.json so that transformers takes it as it is.</summary>
public sealed class TokenizerConfigFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public TokenizerConfigFileTests() => TinyBox.Fill(folder.FullName);

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("neox-mini", """{"tokenizer_class":"PreTrainedTokenizerFast","clean_up_tokenization_spaces":false,"model_input_names":["input_ids","attention_mask"],"model_max_length":64,"bos_token":"\u003C|endoftext|\u003E","eos_token":"\u003C|endoftext|\u003E","pad_token":"\u003C|padding|\u003E"}""")]
    [InlineData("roberta-mini", """{"tokenizer_class":"PreTrainedTokenizerFast","clean_up_tokenization_spaces":false,"model_input_names":["input_ids","attention_mask"],"model_max_length":64,"bos_token":"\u003Cs\u003E","eos_token":"\u003C/s\u003E","unk_token":"\u003Cunk\u003E","sep_token":"\u003C/s\u003E","pad_token":"\u003Cpad\u003E","cls_token":"\u003Cs\u003E","mask_token":"\u003Cmask\u003E"}""")]
    [InlineData("bart-mini", """{"tokenizer_class":"PreTrainedTokenizerFast","clean_up_tokenization_spaces":false,"model_input_names":["input_ids","attention_mask"],"model_max_length":64,"bos_token":"\u003Cs\u003E","eos_token":"\u003C/s\u003E","unk_token":"\u003Cunk\u003E","sep_token":"\u003C/s\u003E","pad_token":"\u003Cpad\u003E","cls_token":"\u003Cs\u003E","mask_token":"\u003Cmask\u003E"}""")]
    public void Each_family_names_its_special_tokens(string model, string expected)
    {
        var config = Json(model, "tokenizer_config.json");
        var added = config["added_tokens_decoder"]!.AsObject();
        config.Remove("added_tokens_decoder");
        Assert.Equal(expected, config.ToJsonString());
        var tokenizer = Tokenizer.FromFolder(Path.Combine(folder[model]));
        Assert.Equal(tokenizer.AddedTokens.Keys.Select(id => $"{id}"), added.Select(pair => pair.Key));
        Assert.All(added, pair => Assert.Equal((pair.Value!["content"]!.GetValue<string>() == "<mask>", true, false), (pair.Value["lstrip"]!.GetValue<bool>(), pair.Value["special"]!.GetValue<bool>(), pair.Value["normalized"]!.GetValue<bool>())));
        Assert.Equal(config["eos_token"]!.GetValue<string>(), tokenizer.SpecialTokens.Eos!.Content);
        Assert.Empty(tokenizer.SpecialTokens.Additional);
    }

    [Theory]
    [InlineData("neox-mini", "GPTNeoXForCausalLM", """{"_from_model_config":true,"bos_token_id":0,"eos_token_id":0,"pad_token_id":1}""")]
    [InlineData("roberta-mini", "RobertaForMaskedLM", null)]
    [InlineData("bart-mini", "BartForConditionalGeneration", """{"_from_model_config":true,"bos_token_id":0,"eos_token_id":2,"pad_token_id":1,"decoder_start_token_id":2,"forced_eos_token_id":2}""")]
    public void The_configuration_names_class_and_type_and_how_a_text_ends(string model, string architecture, string? generation)
    {
        var config = Json(model, "config.json");
        Assert.Equal((architecture, "bfloat16"), (config["architectures"]![0]!.GetValue<string>(), config["torch_dtype"]!.GetValue<string>()));
        Assert.Equal(generation, File.Exists(Path.Combine(folder[model], "generation_config.json")) ? Json(model, "generation_config.json").ToJsonString() : null);
        using var loaded = AutoModel.Load(folder[model], new LoadOptions { DType = null });
        Assert.All(loaded.Parameters, parameter => Assert.Equal(ScalarType.BFloat16, parameter.Value.dtype));
    }

    [Fact]
    public void Segment_ids_are_asked_for_where_a_model_has_segments()
    {
        var tokenizer = Tokenizer.FromFile("Fixtures/tokenizers/wordpiece-uncased/tokenizer.json");
        var config = TinyClassifier.Config("bert") with { VocabSize = tokenizer.VocabularySize, PadTokenId = tokenizer.TokenToId("[PAD]")!.Value };
        using var model = AutoModel.NewSequenceClassifier(config, 1);
        PretrainedFolder.Save(model, folder["bert"], tokenizer);
        var written = Json("bert", "tokenizer_config.json");
        Assert.Equal("""["input_ids","token_type_ids","attention_mask"]""", written["model_input_names"]!.ToJsonString());
        Assert.Equal(["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"], new[] { "unk_token", "sep_token", "pad_token", "cls_token", "mask_token" }.Select(role => written[role]!.GetValue<string>()));
        Assert.False(File.Exists(Path.Combine(folder["bert"], "generation_config.json")));
    }

    [Fact]
    public void What_a_folder_says_of_its_own_tokenizer_stays()
    {
        var tokenizer = Path.Combine(folder["neox-mini"], "tokenizer_config.json");
        File.WriteAllText(tokenizer, """{"tokenizer_class": "GPTNeoXTokenizerFast", "mine": 1}""");
        File.WriteAllText(Path.Combine(folder["neox-mini"], "generation_config.json"), """{"top_k": 5}""" + "\n");
        using var model = AutoModel.Load(folder["neox-mini"]);
        PretrainedFolder.Save(model, folder["again"], Tokenizer.FromFolder(folder["neox-mini"]), new SaveOptions { Source = folder["neox-mini"] });
        Assert.Equal(File.ReadAllText(tokenizer), File.ReadAllText(Path.Combine(folder["again"], "tokenizer_config.json")));
        Assert.Equal("""{"top_k": 5}""" + "\n", File.ReadAllText(Path.Combine(folder["again"], "generation_config.json")));
        PretrainedFolder.Save(model, folder["alone"], Tokenizer.FromFolder(folder["neox-mini"]));
        Assert.Equal(File.ReadAllText(tokenizer), File.ReadAllText(Path.Combine(folder["alone"], "tokenizer_config.json")));
    }

    [Fact]
    public void How_an_older_configuration_generates_is_not_hidden_by_a_new_file()
    {
        var config = Json("bart-mini", "config.json");
        config["num_beams"] = 4;
        File.WriteAllText(Path.Combine(folder["bart-mini"], "config.json"), config.ToJsonString());
        using var model = AutoModel.Load(folder["bart-mini"]);
        PretrainedFolder.Save(model, folder["again"], Tokenizer.FromFolder(folder["bart-mini"]));
        Assert.False(File.Exists(Path.Combine(folder["again"], "generation_config.json")));
        Assert.Equal(4, Json("again", "config.json")["num_beams"]!.GetValue<int>());
    }

    private JsonObject Json(string model, string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder[model], file)))!.AsObject();
}
