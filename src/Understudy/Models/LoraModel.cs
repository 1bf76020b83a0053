using Understudy.Torch;

namespace Understudy.Models;

/// <summary>
/// A base model and the adapters on it, one of which is at work at a time. While this object lives the base's weights are frozen; they are not
/// changed but by <see cref="Merge"/>, which <see cref="Unmerge"/> takes back bit for bit. Not thread-safe.
/// </summary>
public sealed class LoraModel : IDisposable
{
    private readonly Dictionary<string, LoraAdapter> adapters = [];
    private readonly List<Tensor> frozen = [];
    private readonly List<(Tensor Weight, Tensor Original)> kept = [];

    /// <summary>Freezes a model; it goes on saying what it says until there is an adapter.</summary>
    /// <param name="model">The base. It is not disposed with this object, and outlives it.</param>
    public LoraModel(IPretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        Base = model;
        foreach (var (_, value) in model.Parameters.Where(parameter => parameter.Value.requires_grad))
        {
            value.requires_grad = false;
            frozen.Add(value);
        }
    }

    /// <summary>The model below.</summary>
    public IPretrainedModel Base { get; }

    /// <summary>The adapter at work; null for the base alone.</summary>
    public LoraAdapter? Active { get; private set; }

    /// <summary>The adapters by name.</summary>
    public IReadOnlyDictionary<string, LoraAdapter> Adapters => adapters;

    /// <summary>Whether the adapter at work is in the base's own weights.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>Makes a new adapter and puts it to work.</summary>
    /// <param name="config">What it looks like.</param>
    /// <param name="seed">Seed of its weights.</param>
    /// <param name="name">What it is called here.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="InvalidDataException">The configuration is at fault, or names a layer that the base does not have.</exception>
    public LoraAdapter Add(LoraConfig config, long seed, string name = "default")
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Fault() is { } fault) throw new InvalidDataException($"The adapter '{name}' cannot be made: {fault}");
        if (LoraTargets.Unmatched(config, Base).FirstOrDefault() is { } unknown)
        {
            throw new InvalidDataException($"'target_modules' names '{unknown}', which no linear layer of the model is called.{LoraTargets.Hint(unknown, Base)} Its layers are called {LoraTargets.Endings(Base)}.");
        }

        return Add(LoraAdapter.Build(name, config, Base, seed, (_, _, _, fresh) => fresh()));
    }

    /// <summary>Reads a PEFT folder and puts its adapter to work.</summary>
    /// <param name="folder">A folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <param name="name">What it is called here.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="InvalidDataException">The folder is damaged, asks for something that is not supported, or does not fit the base.</exception>
    public LoraAdapter Load(string folder, string name = "default") => Add(AdapterFolder.Read(folder, name, Base));

    /// <summary>Puts another adapter to work, or none. Nothing is loaded or copied.</summary>
    /// <param name="name">Its name; null for the base alone.</param>
    /// <exception cref="ArgumentException">There is no adapter of this name.</exception>
    /// <exception cref="InvalidOperationException">An adapter is merged.</exception>
    public void SetActive(string? name)
    {
        if (IsMerged) throw Merged("switched");
        var next = name is null ? null
            : adapters.TryGetValue(name, out var found) ? found
            : throw new ArgumentException($"There is no adapter '{name}'; there are: {string.Join(", ", adapters.Keys)}.", nameof(name));
        foreach (var layer in Active?.Layers.Keys ?? []) layer.Adapter = null;
        foreach (var (layer, part) in next?.Layers ?? new Dictionary<Linear, IAdapterLayer>()) layer.Adapter = part;
        Active = next;
    }

    /// <summary>Adds the adapter at work to the base's weights, which then cost no more than without it.</summary>
    /// <remarks>The sum is computed in float32 and rounded once. Until <see cref="Unmerge"/> a copy of every changed matrix is kept: as much memory again as these matrices have.</remarks>
    /// <exception cref="InvalidOperationException">No adapter is at work, it is merged already, or a layer's matrix is quantised or shared, so that it cannot take the sum.</exception>
    public void Merge()
    {
        if (IsMerged) throw Merged("merged again");
        var adapter = RequireMergeable();
        using var gradients = torch.no_grad();
        foreach (var (layer, part) in adapter.Layers)
        {
            using var scope = torch.NewDisposeScope();
            var weight = (DenseWeight)layer.Weight;
            var merged = part.MergedWeight(layer);
            Replace(weight.Value, weight.Layout == LinearLayout.InOut ? merged.t() : merged);
            if (part.MergedBias is { } bias) Replace(layer.Bias!, bias);
            layer.Adapter = null;
        }

        IsMerged = true;
    }

    /// <summary>Takes a merged adapter out again: the base has the bits that it had before.</summary>
    /// <exception cref="InvalidOperationException">Nothing is merged.</exception>
    public void Unmerge()
    {
        if (!IsMerged) throw new InvalidOperationException("No adapter is merged, so there is nothing to take out.");
        using (torch.no_grad())
        {
            foreach (var (weight, original) in kept) weight.copy_(original);
        }

        Forget();
        IsMerged = false;
        foreach (var (layer, part) in Active!.Layers) layer.Adapter = part;
    }

    /// <summary>Removes an adapter and frees its memory.</summary>
    /// <exception cref="InvalidOperationException">It is merged.</exception>
    public void Remove(string name)
    {
        if (Active?.Name == name) SetActive(null);
        if (adapters.Remove(name, out var adapter)) adapter.Dispose();
    }

    /// <summary>Frees the adapters; the base's weights can be trained again. A merged adapter stays in them.</summary>
    public void Dispose()
    {
        foreach (var layer in Base.Linears.Where(layer => layer.Adapter is IAdapterLayer)) layer.Adapter = null;
        foreach (var adapter in adapters.Values) adapter.Dispose();
        adapters.Clear();
        Active = null;
        Forget();
        foreach (var value in frozen) value.requires_grad = true;
        frozen.Clear();
    }

    private LoraAdapter Add(LoraAdapter adapter)
    {
        if (!adapter.Layers.Values.Any(part => part is LoraLinear))
        {
            adapter.Dispose();
            throw new InvalidDataException($"'target_modules' matches none of the {Base.Linears.Count} linear layers of the model. They are called {LoraTargets.Endings(Base)}; '{LoraConfig.AllLinear}' stands for all of them.");
        }

        if (IsMerged || !adapters.TryAdd(adapter.Name, adapter))
        {
            adapter.Dispose();
            throw IsMerged ? Merged("joined by another") : new ArgumentException($"There is an adapter '{adapter.Name}' already. Give the new one another name, or remove the old one.", nameof(adapter));
        }

        SetActive(adapter.Name);
        return adapter;
    }

    /// <summary>The adapter at work, which can be merged.</summary>
    /// <exception cref="InvalidOperationException">As for <see cref="Merge"/>.</exception>
    internal LoraAdapter RequireMergeable()
    {
        var adapter = Active ?? throw new InvalidOperationException("No adapter is at work, so there is nothing to merge. Add or load one, or name it with SetActive.");
        foreach (var layer in adapter.Layers.Keys) RefuseUnlessOwnAndDense(layer);
        return adapter;
    }

    private void RefuseUnlessOwnAndDense(Linear layer)
    {
        if (layer.Weight is not DenseWeight weight || weight.Value.dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float64))
        {
            throw new InvalidOperationException($"The adapter cannot be merged: the matrix of '{layer.Name}' is held in few bits, which cannot take the sum. Load the base without quantisation to merge.");
        }

        if (Base.Parameters.FirstOrDefault(parameter => ReferenceEquals(parameter.Value, weight.Value)) is { } stored && stored.Name != $"{layer.Name}.weight")
        {
            throw new InvalidOperationException($"The adapter cannot be merged: '{layer.Name}' shares its matrix with '{stored.Name}', which the sum would change as well. Use the adapter beside its base.");
        }
    }

    private void Replace(Tensor weight, Tensor by)
    {
        kept.Add((weight, DisposeScope.Detach(weight.detach().clone())));
        weight.copy_(by);
    }

    private void Forget()
    {
        foreach (var (_, original) in kept) original.Dispose();
        kept.Clear();
    }

    private InvalidOperationException Merged(string what) => new($"The adapter '{Active?.Name}' is merged into the base, so it cannot be {what}. Call Unmerge first.");
}
