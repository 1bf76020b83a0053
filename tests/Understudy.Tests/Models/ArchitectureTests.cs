using System.Text.Json.Nodes;
using Understudy.Models;

namespace Understudy.Tests.Models;

/// <summary>Which model <c>architectures</c> asks for, and what is refused before a weight is read.</summary>
public sealed class ArchitectureTests
{
    [Theory]
    [InlineData("bart", "BartForQuestionAnswering")]
    [InlineData("bart", "BartForCausalLM")]
    [InlineData("llama", "LlamaForTokenClassification")]
    [InlineData("gpt2-old-layout", "GPT2DoubleHeadsModel")]
    [InlineData("t5", "T5EncoderModel")]
    [InlineData("bert-classifier", "BertForNextSentencePrediction")]
    [InlineData("bert-classifier", "BertLMHeadModel")]
    [InlineData("bert-classifier", "RobertaModel")]
    public void A_head_that_is_not_known_is_refused_by_its_name(string model, string architecture)
    {
        using var folder = With(model, "architectures", new JsonArray(architecture));
        foreach (var read in new Func<IPretrainedModel>[] { () => AutoModel.Load(folder.FullName), () => AutoModel.Outline(folder.FullName) })
        {
            var error = Assert.Throws<InvalidDataException>(read);
            Assert.Contains($"'architectures' is '{architecture}', which is not supported", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("bart", null, typeof(BartForConditionalGeneration))]
    [InlineData("bart", "BartModel", typeof(BartForConditionalGeneration))]
    [InlineData("t5", "T5WithLMHeadModel", typeof(T5ForConditionalGeneration))]
    [InlineData("llama", null, typeof(LlamaForCausalLM))]
    [InlineData("llama", "LlamaModel", typeof(LlamaForCausalLM))]
    [InlineData("gpt2-old-layout", "GPT2Model", typeof(Gpt2LMHeadModel))]
    [InlineData("gpt-neox", "GPTNeoXModel", typeof(GptNeoxForCausalLM))]
    [InlineData("bert-classifier", null, typeof(BertModel))]
    [InlineData("bert-classifier", "BertModel", typeof(BertModel))]
    [InlineData("bert-classifier", "BertForPreTraining", typeof(BertForMaskedLM))]
    [InlineData("roberta-classifier", "RobertaModel", typeof(BertModel))]
    public void A_bare_model_a_file_that_says_nothing_and_older_names_are_known(string model, string? architecture, Type expected)
    {
        using var folder = With(model, "architectures", architecture is null ? null : new JsonArray(architecture));
        using var outline = AutoModel.Outline(folder.FullName);
        Assert.IsType(expected, outline);
    }

    [Theory]
    [InlineData("gpt-neox", "intermediate_size")]
    [InlineData("bart", "max_position_embeddings")]
    [InlineData("t5", "d_ff")]
    public void Sizes_that_cannot_be_counted_are_a_fault_of_the_file(string model, string key)
    {
        using var folder = With(model, key, int.MaxValue);
        var config = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        config[config.ContainsKey("d_model") ? "d_model" : "hidden_size"] = 1 << 30;
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.Outline(folder.FullName));
        Assert.StartsWith(folder["config.json"], error.Message, StringComparison.Ordinal);
        Assert.Contains("numbers, which no model has", error.Message, StringComparison.Ordinal);
    }

    private static TemporaryFolder With(string model, string key, JsonNode? value)
    {
        var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(ModelFixtures.Root, model, "config.json")))!.AsObject();
        if (value is null) config.Remove(key);
        else config[key] = value;
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        return folder;
    }
}
